import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parseDate, retryAfter, serverClock } from '../../../lib/core/response/retry-after.ts';
import { DAY } from '../../../lib/core/time.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const IN_HALF_A_MINUTE = [
  'Sun, 22 Nov 2026 12:00:30 GMT',
  'Sunday, 22-Nov-26 12:00:30 GMT',
  'Sun Nov 22 12:00:30 2026',
  'Sun, 22 Nov 2026 12:00:30 UTC',
  'Sun, 22 Nov 2026 13:00:30 +0100',
  '2026-11-22T12:00:30Z',
  '2026-11-22T12:00:30.000Z',
  '2026-11-22T13:00:30+01:00',
  '2026-11-22 12:00:30',
  '2026-11-22T12:00:30',
];

/** A header, the response’s `Date`, and the wait that is meant, in milliseconds; `undefined`: no advice. */
const table: readonly (readonly [header: string | undefined, date: string | undefined, wait: number | undefined])[] = [
  [undefined, undefined, undefined],
  ['120', undefined, 120_000],
  ['0', undefined, 0],
  [' 7 ', undefined, 7_000],
  ['1.5', undefined, 1_500],
  ['0.0001', undefined, 1],
  ['007', undefined, 7_000],
  ...IN_HALF_A_MINUTE.map((date) => [date, undefined, 30_000] as const),
  // Sent twice: the longest is meant.
  ['120, 60', undefined, 120_000],
  ['60,120', undefined, 120_000],
  ['60, soon', undefined, undefined],
  // Ten hours are followed, more than a day is asked about again, and more than a month cannot be meant.
  ['36000', undefined, 36_000_000],
  ['864000', undefined, DAY],
  ['2678400', undefined, DAY],
  ['2678401', undefined, undefined],
  ['1000000000000', undefined, undefined],
  ['1e12', undefined, undefined],
  ['9'.repeat(400), undefined, undefined],
  // A server whose clock is an hour ahead or behind, or twenty years, means the same half minute.
  ['Sun, 22 Nov 2026 13:00:30 GMT', 'Sun, 22 Nov 2026 13:00:00 GMT', 30_000],
  ['Sun, 22 Nov 2026 11:00:30 GMT', 'Sun, 22 Nov 2026 11:00:00 GMT', 30_000],
  ['Wed, 22 Nov 2006 12:00:30 GMT', 'Wed, 22 Nov 2006 12:00:00 GMT', 30_000],
  ['120', 'Wed, 22 Nov 2006 12:00:00 GMT', 120_000],
  // Without a `Date` that can be read ours counts.
  ['Sun, 22 Nov 2026 12:00:30 GMT', 'yesterday', 30_000],
  ['Sun, 22 Nov 2026 12:00:30 GMT', '', 30_000],
  // What is over is no advice, nor is what lies beyond a month.
  ['Sun, 22 Nov 2026 11:59:59 GMT', undefined, undefined],
  ['Sun, 22 Nov 2020 12:00:00 GMT', undefined, undefined],
  ['Thu, 01 Jan 1970 00:00:00 GMT', undefined, undefined],
  ['Sun, 22 Nov 2099 12:00:00 GMT', undefined, undefined],
  ['Sunday, 22-Nov-99 12:00:30 GMT', undefined, undefined],
  // Nonsense.
  ...['', ' ', '-5', '+5', 'NaN', 'Infinity', 'soon', 'soon 12:30', '5 minutes', 'at 22 Nov 2026 12:30', '0x10'].map(
    (nonsense) => [nonsense, undefined, undefined] as const,
  ),
  ...['12:00:30', 'Sun, 32 Nov 2026 12:00:30 GMT', '2026-13-22T12:00:30Z', 'null', '120s', '"120"', '1,5,', ','].map(
    (nonsense) => [nonsense, undefined, undefined] as const,
  ),
  [`${IN_HALF_A_MINUTE[0]}, ${IN_HALF_A_MINUTE[0]}`, undefined, undefined],
];

describe('Retry-After', () => {
  for (const [header, date, wait] of table) {
    const shown = header !== undefined && header.length > 40 ? `${header.slice(0, 12)}…` : JSON.stringify(header);
    const beside = date === undefined ? '' : ` beside Date: ${JSON.stringify(date)}`;
    it(`${shown}${beside}: ${wait === undefined ? 'no advice' : `${wait} ms`}`, () => {
      assert.equal(retryAfter(header, date, NOW), wait);
    });
  }

  it('whatever it says: no advice, or a wait from nothing to a day, in whole milliseconds', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.date().map(String),
      fc.constantFrom(...IN_HALF_A_MINUTE),
    );
    fc.assert(
      fc.property(texts, fc.option(texts, { nil: undefined }), (header, date) => {
        const wait = retryAfter(header, date, NOW);
        assert.ok(wait === undefined || (Number.isInteger(wait) && wait >= 0 && wait <= DAY), String(wait));
        assert.ok(Number.isFinite(serverClock(date, NOW)));
      }),
    );
  });
});

it('a date means the same in every time zone', () => {
  const read = fileURLToPath(new URL('../../../lib/core/response/retry-after.ts', import.meta.url));
  const script = `import { parseDate } from ${JSON.stringify(read)};
    console.log(JSON.stringify(${JSON.stringify(IN_HALF_A_MINUTE)}.map(parseDate)));`;
  for (const TZ of ['Pacific/Kiritimati', 'America/St_Johns']) {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: { ...process.env, TZ },
    });
    assert.deepEqual(
      JSON.parse(stdout || JSON.stringify(stderr)),
      IN_HALF_A_MINUTE.map(() => NOW + 30_000),
      TZ,
    );
  }
  assert.deepEqual(
    IN_HALF_A_MINUTE.map(parseDate),
    IN_HALF_A_MINUTE.map(() => NOW + 30_000),
  );
});
