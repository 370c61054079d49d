import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { instant, isTimeZone, parseDate, parseInstant, windowStart } from '../../lib/core/dates.ts';

const NEW_YORK = 'America/New_York';
const utc = (text: string): number => Date.parse(`${text}Z`);

describe('an instant', () => {
  it('has the forms that APIs ask for', () => {
    assert.deepEqual(instant(1_700_000_000_999), {
      iso: '2023-11-14T22:13:20.999Z',
      seconds: 1_700_000_000,
      millis: 1_700_000_000_999,
      local: '2023-11-14T22:13:20',
    });
    assert.equal(instant(1_700_000_000_999, NEW_YORK).local, '2023-11-14T17:13:20');
    assert.equal(instant(1_700_000_000_999, 'Asia/Kolkata').local, '2023-11-15T03:43:20');
  });

  it('begins a window by the earliest local text in it where the window holds the hour that comes twice', () => {
    // At 06:00 UTC on 1 November 2026 clocks go from 02:00 back to 01:00.
    const from = utc('2026-11-01T05:50:00');
    assert.equal(instant(from, NEW_YORK).local, '2026-11-01T01:50:00');
    assert.equal(windowStart(from, utc('2026-11-01T06:30:00'), NEW_YORK).local, '2026-11-01T01:00:00');
    assert.equal(windowStart(from, utc('2026-11-01T05:55:00'), NEW_YORK).local, '2026-11-01T01:50:00');
    assert.equal(
      windowStart(utc('2026-10-30T00:00:00'), utc('2026-11-02T00:00:00'), NEW_YORK).local,
      '2026-10-29T20:00:00',
    );
    assert.equal(windowStart(from, utc('2026-11-01T06:30:00')).local, '2026-11-01T05:50:00');
  });
});

describe('a date of an API', () => {
  it('is ISO 8601, in the forms that APIs write', () => {
    const at = 1_700_000_000_000;
    for (const text of [
      '2023-11-14T22:13:20Z',
      '2023-11-14T23:13:20+01:00',
      '2023-11-14T23:13:20+0100',
      '2023-11-14T23:13:20+01',
      '2023-11-14 22:13:20 UTC',
      '2023-11-14t22:13:20z'.toUpperCase(),
      'Tue, 14 Nov 2023 22:13:20 GMT',
      '14 Nov 2023 23:13:20 +0100',
      at / 1_000,
      at,
      String(at / 1_000),
      String(at),
      `${at / 1_000}.000`,
    ])
      assert.deepEqual(parseDate(text), { millis: at, zoneless: false }, String(text));
    assert.equal(parseInstant('1793491200.000100'), 1_793_491_200_000);
    assert.equal(parseInstant('2023-11-14T22:13:20.123456Z'), at + 123);
  });

  it('without a zone is UTC, wherever this runs, and says so', () => {
    const zone = process.env.TZ;
    process.env.TZ = NEW_YORK;
    assert.deepEqual(parseDate('2023-11-14 22:13:20'), { millis: 1_700_000_000_000, zoneless: true });
    assert.deepEqual(parseDate('2023-11-14T22:13:20.5'), { millis: 1_700_000_000_500, zoneless: true });
    assert.deepEqual(parseDate('2023-11-14'), { millis: utc('2023-11-14T00:00:00'), zoneless: true });
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it('without a zone is local time where the zone is declared: of an hour that comes twice, the earlier one', () => {
    const read = (text: string) => parseInstant(text, NEW_YORK);
    assert.equal(read('2026-07-01 12:00:00'), utc('2026-07-01T16:00:00'));
    assert.equal(read('2026-12-01 12:00:00'), utc('2026-12-01T17:00:00'));
    assert.equal(read('2026-11-01 00:59:59'), utc('2026-11-01T04:59:59'));
    assert.equal(read('2026-11-01 01:30:00'), utc('2026-11-01T05:30:00'));
    assert.equal(read('2026-11-01 02:00:00'), utc('2026-11-01T07:00:00'));
    // 02:30 does not exist on 8 March 2026. The earlier of its two readings is taken.
    assert.equal(read('2026-03-08 02:30:00'), utc('2026-03-08T06:30:00'));
    assert.equal(read('2026-07-01T12:00:00Z'), utc('2026-07-01T12:00:00'));
  });

  it('is no id, no counter and no prose', () => {
    for (const nonsense of [
      ...['soon', '', 'item 5', 'version 2026', '2026', '12345', '20261201', '12345678901234567', '2026-13-01', '1e9'],
      ...['-1793491200', '0x6b', '2026-11-01T25:00:00Z', 'Z'.repeat(100_000)],
      ...[-1, 0, 12_345, 1e13, 1e17, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, {}, true],
    ])
      assert.equal(parseDate(nonsense), undefined, String(nonsense).slice(0, 30));
  });
});

it('a time zone is one of the IANA database', () => {
  assert.ok(isTimeZone(NEW_YORK));
  assert.ok(!isTimeZone('America/New York'));
});
