import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type LearnedQuota, quotaLearned, quotaOf } from '../../../lib/core/response/quota.ts';
import { DAY } from '../../../lib/core/time.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
type Told = readonly [left: number, resetsIn?: number, of?: number] | undefined;

/** Response headers, and what they tell: units left, milliseconds until they are renewed, units of the whole. `undefined`: nothing. */
const table: readonly (readonly [headers: Readonly<Record<string, string>>, told: Told])[] = [
  [{}, undefined],
  // X-RateLimit-*: the reset as epoch seconds, epoch milliseconds, seconds from now, or a date.
  [x('0', '1795348830'), [0, 30_000]],
  [x('0', '1795348830000'), [0, 30_000]],
  [x('0', '30'), [0, 30_000]],
  [x('0', '0.25'), [0, 250]],
  [x('0', '2026-11-22T12:00:30Z'), [0, 30_000]],
  [x('0', '2026-11-22T12:00:30'), [0, 30_000]],
  [x('0', 'Sun, 22 Nov 2026 12:00:30 GMT'), [0, 30_000]],
  [x('4999', '1795348830', '5000'), [4_999, 30_000, 5_000]],
  [{ 'x-rate-limit-remaining': '3', 'x-rate-limit-reset': '30', 'x-rate-limit-limit': '40' }, [3, 30_000, 40]],
  [{ 'x-ratelimit-remaining': '0' }, [0]],
  // Some write fractions.
  [x('99.0', '30.0'), [99, 30_000]],
  // A server whose clock is an hour ahead means the same half minute.
  [{ ...x('0', '1795352430'), date: 'Sun, 22 Nov 2026 13:00:00 GMT' }, [0, 30_000]],
  [{ ...x('0', '2026-11-22T13:00:30Z'), date: 'Sun, 22 Nov 2026 13:00:00 GMT' }, [0, 30_000]],
  // A reset that cannot be meant says nothing; that nothing is left still stands.
  [x('0', '1795348800'), [0, 0]],
  [x('0', '1795348799'), [0]],
  [x('0', '-30'), [0]],
  [x('0', 'soon'), [0]],
  [x('0', ''), [0]],
  [x('0', '1000000000000000'), [0]],
  [x('0', '9'.repeat(400)), [0]],
  [x('0', '900000000'), [0]],
  [x('0', '864000'), [0, DAY]],
  // Units that are none say nothing at all.
  [x('-1', '30'), undefined],
  [x('NaN', '30'), undefined],
  [x('many', '30'), undefined],
  [x('', '30'), undefined],
  [x('1e3', '30'), undefined],
  [x('9'.repeat(400), '30'), undefined],
  [x('0', '30', '9'.repeat(400)), [0, 30_000]],
  [x('0', '30', '-5'), [0, 30_000]],
  [x('10, 20', '30'), undefined],
  // The RateLimit field, as of revision 07 of draft-ietf-httpapi-ratelimit-headers.
  [{ ratelimit: '"default";r=50;t=30' }, [50, 30_000]],
  [{ ratelimit: 'default;r=50;t=30' }, [50, 30_000]],
  [{ ratelimit: '"default"; r=50 ;t=30;pk=:dsJDvUPaQH+/YY==:' }, [50, 30_000]],
  [{ ratelimit: '"default";r=0' }, [0]],
  [{ ratelimit: '"default";r=0;t=30, "daily";r=0;t=4000' }, [0, 4_000_000]],
  [{ ratelimit: '"a";r=50;t=30, "b";r=2;t=4000' }, [2, 4_000_000]],
  [{ ratelimit: '"a";r=0;t=30, "b";r=2;t=4000' }, [0, 30_000]],
  [{ ratelimit: '"a;r=0;t=9, b";r=50;t=30' }, [50, 30_000]],
  [{ ratelimit: '"a\\";r=0;t=9";r=50;t=30' }, [50, 30_000]],
  [{ ratelimit: '"default";r=-5;t=30' }, undefined],
  [{ ratelimit: '"default";r=5;t=-30' }, [5]],
  [{ ratelimit: '"default";q=100;w=60' }, undefined],
  [{ ratelimit: '"default"' }, undefined],
  [{ ratelimit: '' }, undefined],
  [{ ratelimit: ';;,=,"' }, undefined],
  // Before it, a dictionary.
  [{ ratelimit: 'limit=100, remaining=50, reset=30' }, [50, 30_000, 100]],
  [{ ratelimit: 'limit=100;remaining=0;reset=30' }, [0, 30_000, 100]],
  [{ ratelimit: 'remaining="7", reset="30"' }, [7, 30_000]],
  // And first, three headers; beside the limit stood its policies.
  [{ 'ratelimit-limit': '100, 100;w=60', 'ratelimit-remaining': '0', 'ratelimit-reset': '30' }, [0, 30_000, 100]],
  [{ 'ratelimit-policy': '"default";q=100;w=60' }, undefined],
  // Headers that disagree: the one with the least left counts, and of two the later renewal.
  [{ ...x('0', '30'), ratelimit: '"default";r=50;t=30' }, [0, 30_000]],
  [{ ...x('10', '30'), ratelimit: '"default";r=0;t=60' }, [0, 60_000]],
  [{ ...x('0', '30'), ratelimit: '"default";r=0;t=60' }, [0, 60_000]],
];

function x(left: string, reset: string, of?: string): Record<string, string> {
  const whole = of === undefined ? {} : { 'x-ratelimit-limit': of };
  return { 'x-ratelimit-remaining': left, 'x-ratelimit-reset': reset, ...whole };
}

const told = (headers: Readonly<Record<string, string>>) => quotaOf((name) => headers[name], NOW);

describe('what headers tell of a quota', () => {
  for (const [headers, expected] of table) {
    const shown = JSON.stringify(headers).replaceAll(/9{20,}/g, '99…');
    it(`${shown}: ${expected === undefined ? 'nothing' : JSON.stringify(expected)}`, () => {
      const found = told(headers);
      const [left, resetsIn, of] = expected ?? [];
      assert.deepEqual(found && { ...found, of: found.of }, expected && { left, resetsIn, of });
    });
  }

  it('whatever they say: nothing, or numbers that can be reckoned with', () => {
    const name = fc.constantFrom('ratelimit', 'date', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'ratelimit-limit');
    const sane = fc.nat().map(String);
    const text = fc.oneof(sane, fc.string(), fc.double().map(String), fc.bigInt().map(String), field());
    fc.assert(
      fc.property(fc.dictionary(name, text), (headers) => {
        const quota = told(headers);
        if (quota === undefined) return;
        const { left, resetsIn = 0, of = 0 } = quota;
        for (const number of [left, resetsIn, of])
          assert.ok(Number.isSafeInteger(number) && number >= 0, String(number));
        assert.ok(resetsIn <= DAY);
      }),
    );
  });
});

function field(): fc.Arbitrary<string> {
  const piece = fc.constantFrom(
    '"a"',
    'r=',
    't=',
    'remaining=',
    'reset=',
    ';',
    ',',
    '"',
    '\\',
    '0',
    '7',
    '-',
    ' ',
    ':',
  );
  return fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
}

describe('what a connector learns of a quota', () => {
  it('what is left, or what is used of the whole', () => {
    assert.deepEqual(quotaLearned({ left: 8, of: 40 }, undefined, NOW), { left: 8, resetsIn: undefined, of: 40 });
    assert.deepEqual(quotaLearned({ used: 32, of: 40 }, undefined, NOW), { left: 8, resetsIn: undefined, of: 40 });
    assert.deepEqual(quotaLearned({ used: 50, of: 40 }, undefined, NOW), { left: 0, resetsIn: undefined, of: 40 });
  });

  it('when it is renewed, by the API’s own clock', () => {
    const resetIn = (resetsAt: string, date?: string) => quotaLearned({ left: 0, resetsAt }, date, NOW)?.resetsIn;
    assert.equal(resetIn('2026-11-22T12:00:30Z'), 30_000);
    assert.equal(resetIn('1795348830'), 30_000);
    assert.equal(resetIn('2026-11-22T13:00:30Z', 'Sun, 22 Nov 2026 13:00:00 GMT'), 30_000);
    assert.equal(resetIn('tomorrow'), undefined);
  });

  it('nothing from an object that cannot be made a text or a number', () => {
    const odd = { toString: [], valueOf: [] };
    for (const learned of [{ left: 0, resetsAt: odd }, { of: odd, used: odd }, { left: odd }])
      assert.equal(quotaLearned(JSON.parse(JSON.stringify(learned)), undefined, NOW)?.resetsIn, undefined);
  });

  it('nothing from numbers whose difference is none', () => {
    assert.equal(quotaLearned({ used: -1e300, of: Number.MAX_VALUE }, undefined, NOW), undefined);
  });

  it('nothing from nonsense, whatever a body held', () => {
    const number = fc.double();
    const text = fc.oneof(fc.string(), fc.nat().map(String));
    const numbers = fc.record({ used: number, left: number, of: number, resetsAt: text }, { requiredKeys: [] });
    // A body can hold anything, and no type says so.
    const value = fc.jsonValue();
    const anything = fc
      .record({ used: value, left: value, of: value, resetsAt: value }, { requiredKeys: [] })
      .map((learned): LearnedQuota => JSON.parse(JSON.stringify(learned)));
    fc.assert(
      fc.property(fc.oneof(numbers, anything), (learned) => {
        const { left = 0, resetsIn = 0, of = 0 } = quotaLearned(learned, undefined, NOW) ?? {};
        for (const found of [left, resetsIn, of]) assert.ok(Number.isFinite(found) && found >= 0, String(found));
      }),
    );
  });
});
