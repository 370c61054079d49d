import assert from 'node:assert/strict';
import { it } from 'node:test';
import { instant, parseInstant, parseSpan } from '../../lib/core/time.ts';

it('a span is a number and a unit', () => {
  assert.equal(parseSpan('5 minutes'), 300_000);
  assert.equal(parseSpan('1 day'), 86_400_000);
  assert.equal(parseSpan('0.5 seconds'), 500);
  assert.equal(parseSpan('0 seconds'), 0);
  for (const text of ['5', 'minutes', '-1 second', '5 weeks', '5  minutes', '', '1e3 seconds', '5 constructor']) {
    assert.equal(parseSpan(text), undefined, text);
  }
});

it('an instant has the three forms that APIs ask for', () => {
  assert.deepEqual(instant(1_700_000_000_999), {
    iso: '2023-11-14T22:13:20.999Z',
    seconds: 1_700_000_000,
    millis: 1_700_000_000_999,
  });
});

it('a date is read as APIs write it: ISO, epoch seconds, epoch milliseconds', () => {
  assert.equal(parseInstant('2023-11-14T22:13:20Z'), 1_700_000_000_000);
  assert.equal(parseInstant('2023-11-14T23:13:20+01:00'), 1_700_000_000_000);
  assert.equal(parseInstant(1_700_000_000), 1_700_000_000_000);
  const zone = process.env.TZ;
  process.env.TZ = 'America/New_York';
  assert.equal(parseInstant('2023-11-14 22:13:20'), 1_700_000_000_000, 'without a zone');
  assert.equal(parseInstant('2023-11-14T22:13:20.5'), 1_700_000_000_500);
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
  assert.equal(parseInstant(1_700_000_000_123), 1_700_000_000_123);
  for (const nonsense of ['soon', '', -1, Number.NaN, Number.POSITIVE_INFINITY, 1e17, null, undefined, {}]) {
    assert.equal(parseInstant(nonsense), undefined, String(nonsense));
  }
});
