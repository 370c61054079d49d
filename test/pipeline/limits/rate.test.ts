import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Limit } from '../../../lib/core/connector/connector.ts';
import { HOUR, MINUTE, SECOND, type Span, span } from '../../../lib/core/time.ts';
import { worstWindow } from '../../core/limits/fleet.ts';
import { type Fleet, limited, makeFleet, refusal, START } from '../fleet.ts';

/** What the limits make of the whole pipeline: several workers, in virtual time. */

const TEN: readonly Limit[] = [{ requests: 10, per: '1 second' }];

const worst = ({ requests }: Fleet, per: Span): number =>
  worstWindow(
    requests.map(({ at }) => ({ at, cost: 1 })),
    span(per),
  );
/** How long the longest invocation of a worker took, of those that began between two points in time. Milliseconds. */
const longest = ({ invocations }: Fleet, from = 0, to = Number.POSITIVE_INFINITY): number =>
  Math.max(...invocations.filter(({ at }) => at >= from && at < to).map(({ took }) => took));
const refused = ({ requests }: Fleet) => requests.filter(({ status }) => status === 429);
/** Requests a second, from the first to the last of those between two points in time. */
function rate({ requests }: Fleet, from = 0, to = Number.POSITIVE_INFINITY): number {
  const counted = requests.filter(({ at }) => at >= START + from && at < START + to);
  const [first, last] = [counted[0], counted.at(-1)];
  return first && last && last.at > first.at ? ((counted.length - 1) * SECOND) / (last.at - first.at) : 0;
}

function assertUnharmed(fleet: Fleet, syncs = 1): void {
  assert.deepEqual(
    fleet.receipts().map(({ verdict }) => verdict),
    Array.from({ length: syncs }, () => 'COMPLETE'),
  );
  assert.deepEqual(fleet.failures, []);
  for (const { pages } of fleet.receipts()) assert.equal(pages.failed, 0);
  const attempts = fleet.sendings.flatMap((task) => ('attempts' in task ? task.attempts : []));
  assert.deepEqual([...new Set(attempts)], [0], 'attempts grew');
}

/** An API that counts: more than N requests in any window of length W, its ends included, and it refuses. */
function strict(limits: readonly { readonly most: number; readonly window: number }[], advise?: number) {
  const passed: number[] = [];
  return ({ at }: { at: number }) => {
    const full = limits.some(({ most, window }) => passed.filter((one) => one >= at - window).length >= most);
    if (full) return { reply: refusal(429, advise === undefined ? {} : { 'retry-after': String(advise) }) };
    passed.push(at);
    return {};
  };
}

/** An API that refuses everything for `penalty` milliseconds once it was asked too often, and says so. */
function severe(most: number, window: number, penalty: number) {
  const passed: number[] = [];
  let until = 0;
  return ({ at }: { at: number }) => {
    if (at >= until && passed.filter((one) => one >= at - window).length < most) {
      passed.push(at);
      return {};
    }
    if (at >= until) until = at + penalty;
    return { reply: refusal(429, { 'retry-after': String(Math.ceil((until - at) / SECOND)) }) };
  };
}

describe('an API that counts strictly never has to refuse', () => {
  const cases: [string, Limit[], number, number][] = [
    ['10 a second', [{ requests: 10, per: '1 second' }], 300, 0.92],
    ['100 a second', [{ requests: 100, per: '1 second' }], 1_500, 0.7],
    ['60 a minute', [{ requests: 60, per: '1 minute' }], 150, 0.95],
    ['10 a second and 300 a minute', [...TEN, { requests: 300, per: '1 minute' }], 300, 0.9],
    ['20 in 2 seconds, bursts of 5', [{ requests: 20, per: '2 seconds', burst: 5 }], 300, 0.75],
  ];
  for (const [what, limits, pages, used] of cases) {
    it(`${what}: four workers whose clocks differ, some messages coming twice`, async () => {
      const allowed = limits.map(({ requests = 0, per }) => ({ most: requests, window: span(per) }));
      const fleet = makeFleet({
        connector: limited(limits),
        pages: { rows: pages },
        api: strict(allowed),
        skews: [0, 12, -12, 5],
        weather: { duplicate: 0.1 },
      });
      await fleet.start('rows');
      await fleet.run();
      assert.equal(refused(fleet).length, 0);
      for (const { requests = 0, per } of limits) assert.ok(worst(fleet, per) <= requests);
      assertUnharmed(fleet);
      const most = Math.min(...allowed.map(({ most: units, window }) => (units * SECOND) / window));
      const share = rate(fleet, 10 * SECOND) / most;
      assert.ok(share >= used, `${share} of the rate`);
    });
  }

  it('not even when requests fail and are sent again', async () => {
    let count = 0;
    const counted = strict([{ most: 10, window: SECOND }]);
    const fleet = makeFleet({
      connector: limited(TEN),
      pages: { rows: 200 },
      api: (request) => (++count % 7 === 0 ? { ...counted(request), reply: refusal(500) } : counted(request)),
    });
    await fleet.start('rows');
    await fleet.run();
    assert.ok(fleet.requests.length > 220);
    assert.equal(refused(fleet).length, 0);
    assert.ok(worst(fleet, '1 second') <= 10);
    assert.equal(fleet.receipts()[0]?.verdict, 'COMPLETE');
  });

  it('not even when two connections use one account', async () => {
    const fleet = makeFleet({
      connector: limited(TEN),
      pages: { rows: 100 },
      api: strict([{ most: 10, window: SECOND }]),
      connections: ['one', 'other'],
    });
    await fleet.start('rows');
    await fleet.run();
    assert.equal(refused(fleet).length, 0);
    assertUnharmed(fleet, 2);
  });
});

describe('work that shares a meter', () => {
  const counts = (fleet: Fleet): Record<string, number> =>
    Object.fromEntries(
      [...Map.groupBy(fleet.requests, ({ stream }) => stream)].map(([name, all]) => [name, all.length]),
    );

  it('two listings get as much each', async () => {
    const fleet = makeFleet({ connector: limited(TEN, ['a', 'b']), pages: { a: 5_000, b: 5_000 } });
    await fleet.start('a', 'b');
    await fleet.run(3 * MINUTE);
    const { a = 0, b = 0 } = counts(fleet);
    assert.ok(a / b > 0.8 && a / b < 1.25, `${a} : ${b}`);
    assert.ok(a + b > 0.9 * 10 * 180, `${a + b}`);
  });

  it('one that comes later does not wait behind the other’s', async () => {
    const fleet = makeFleet({ connector: limited(TEN, ['a', 'b']), pages: { a: 5_000, b: 50 } });
    await fleet.start('a');
    await fleet.run(2 * MINUTE);
    await fleet.start('b');
    await fleet.run(MINUTE);
    // The last page is full: one more is asked for, to see that nothing follows it. The second look asks for nine.
    assert.equal(counts(fleet).b, 60);
  });

  it('a chain beside a listing is not starved', async () => {
    const fleet = makeFleet({ connector: limited(TEN, ['a', 'chain']), pages: { a: 5_000, chain: 1_000 } });
    await fleet.start('a', 'chain');
    await fleet.run(5 * MINUTE);
    const { a = 0, chain = 0 } = counts(fleet);
    assert.ok(chain >= 150, `${chain} pages of the chain beside ${a}`);
    assert.ok(a + chain > 0.9 * 10 * 300, `${a + chain}`);
  });
});

describe('workers that wait for slow answers', () => {
  const cases: [string, number, number, number][] = [
    ['two workers, answers in 8 s', 2, 8_000, 0.55],
    ['four workers, answers in 8 s', 4, 8_000, 0.65],
    ['two workers, answers in 1 s', 2, 1_000, 0.9],
  ];
  for (const [what, workers, takes, used] of cases) {
    it(`${what}: more than ${used} of the rate`, async () => {
      const fleet = makeFleet({ connector: limited(TEN), pages: { rows: 5_000 }, workers, api: () => ({ takes }) });
      await fleet.start('rows');
      await fleet.run(4 * MINUTE);
      const share = rate(fleet, 2 * MINUTE, 4 * MINUTE) / 10;
      assert.ok(share > used, `${share} of the rate`);
      const again = fleet.sendings.length / fleet.requests.length;
      assert.ok(again < 0.3, `${again} messages a page`);
    });
  }
});

/** Holds that were put, and the requests that were refused at the same time: those that left until the first was answered. */
function incidents(fleet: Fleet): { readonly at: number; readonly refused: number }[] {
  const found: { at: number; refused: number }[] = [];
  for (const { at } of refused(fleet)) {
    const last = found.at(-1);
    if (last !== undefined && at - last.at < SECOND) last.refused += 1;
    else found.push({ at, refused: 1 });
  }
  return found;
}

describe('an API whose limit is lower than declared', () => {
  it('is left alone by every worker until the time it advised, and loses no page', async () => {
    const fleet = makeFleet({ connector: limited(TEN), pages: { rows: 400 }, api: severe(5, SECOND, 10 * SECOND) });
    await fleet.start('rows');
    await fleet.run();
    assertUnharmed(fleet);
    const found = incidents(fleet);
    assert.ok(found.length >= 2);
    // Answered after 100 ms, told to the meter, and heeded by all within 250 ms more.
    const heeded = 400;
    for (const { at } of found) {
      const early = fleet.requests.filter((one) => one.at > at + heeded && one.at < at + 10 * SECOND);
      assert.deepEqual(early, []);
    }
    // What was under way already is refused with it, and no more.
    for (const each of found) assert.ok(each.refused <= 5, `${each.refused} refused at once`);
    assert.equal(fleet.said('meter held').length, found.length);
  });

  it('without advice: waits grow only while nothing passes', async () => {
    const fleet = makeFleet({
      connector: limited(TEN),
      pages: { rows: 300 },
      api: strict([{ most: 5, window: SECOND }]),
    });
    await fleet.start('rows');
    await fleet.run();
    assertUnharmed(fleet);
    const took = (fleet.requests.at(-1)?.at ?? 0) - START;
    assert.ok(took < 10 * MINUTE, `${took / MINUTE} minutes for what takes one`);
  });

  it('a refusal every 20 seconds costs a task at most two new appointments', async () => {
    let next = START + 20 * SECOND;
    const fleet = makeFleet({
      connector: limited(TEN),
      pages: { rows: 1_500 },
      api: ({ at }) => {
        if (at >= next + 5 * SECOND) next += 20 * SECOND;
        return at >= next
          ? { reply: refusal(429, { 'retry-after': String(Math.ceil((next + 5_000 - at) / SECOND)) }) }
          : {};
      },
    });
    await fleet.start('rows');
    await fleet.run();
    assertUnharmed(fleet);
    const times = new Map<number, number>();
    for (const task of fleet.sendings) {
      if (task.kind !== 'pages') continue;
      for (let page = task.from; page <= task.to; page++) times.set(page, (times.get(page) ?? 0) + 1);
    }
    const most = Math.max(...times.values());
    // One more where the second look asks for it.
    assert.ok(most <= 4, `a page was sent ${most} times`);
    const mean = [...times.values()].reduce((sum, one) => sum + one, 0) / times.size;
    assert.ok(mean < 1.6, `${mean} times a page`);
    const share = rate(fleet) / 7.5;
    assert.ok(share > 0.8, `${share} of what it lets through`);
  });

  it('and none is declared: it is found out, and the sync is complete', async () => {
    const fleet = makeFleet({
      connector: limited([]),
      pages: { rows: 200 },
      api: strict([{ most: 10, window: SECOND }]),
    });
    await fleet.start('rows');
    await fleet.run();
    assertUnharmed(fleet);
    const took = (fleet.requests.at(-1)?.at ?? 0) - START;
    assert.ok(took < 5 * MINUTE, `${took / SECOND} s`);
  });
});

describe('long waits', () => {
  it('Retry-After: 3600 holds no worker for more than seconds, and no message goes round', async () => {
    const until = START + 20 * SECOND + HOUR;
    const fleet = makeFleet({
      connector: limited(TEN),
      pages: { rows: 400 },
      api: ({ at }) =>
        at > START + 20 * SECOND && at < until ? { reply: refusal(429, { 'retry-after': '3600' }) } : {},
    });
    await fleet.start('rows');
    await fleet.run(30 * MINUTE);
    assert.equal(fleet.queued(), 0);
    const [sent, left] = [fleet.sendings.length, fleet.requests.length];
    await fleet.run(25 * MINUTE);
    assert.deepEqual([fleet.sendings.length, fleet.requests.length], [sent, left]);
    await fleet.run();
    assertUnharmed(fleet);
    assert.ok(longest(fleet) < 5 * SECOND);
    assert.ok((fleet.requests.at(-1)?.at ?? 0) < until + 10 * MINUTE);
  });

  it('a quota that is spent for ten hours is survived with few messages', async () => {
    const renewed = START + 10 * HOUR;
    let passed = 0;
    const fleet = makeFleet({
      connector: limited(TEN, ['a', 'b', 'chain']),
      pages: { a: 150, b: 150, chain: 40 },
      api: ({ at }) => {
        if (at >= renewed || passed++ < 100) return {};
        return { reply: refusal(429, { 'retry-after': String(Math.ceil((renewed - at) / SECOND)) }) };
      },
    });
    await fleet.start('a', 'b', 'chain');
    await fleet.run();
    assertUnharmed(fleet, 3);
    const waiting = fleet.requests.filter(({ at }) => at > START + 5 * MINUTE && at < renewed);
    assert.ok(waiting.length <= 1, `${waiting.length} requests while it was spent`);
    assert.ok(fleet.sendings.length < 150, `${fleet.sendings.length} messages`);
    assert.ok(longest(fleet, START + MINUTE, renewed) < 10 * SECOND);
    assert.ok((fleet.requests.at(-1)?.at ?? 0) < renewed + 10 * MINUTE);
  });

  it('a daily quota is used at once, and what is left waits for the next day', async () => {
    const fleet = makeFleet({
      connector: limited([{ requests: 100, per: '1 day', window: 'fixed' }]),
      pages: { rows: 150 },
    });
    await fleet.start('rows');
    await fleet.run();
    assertUnharmed(fleet);
    const midnight = START + 12 * HOUR;
    assert.equal(fleet.requests.filter(({ at }) => at < START + MINUTE).length, 100);
    assert.equal(fleet.requests.filter(({ at }) => at < midnight).length, 100);
    assert.ok((fleet.requests.at(-1)?.at ?? 0) < midnight + 10 * MINUTE);
    assert.ok(fleet.sendings.length < 60, `${fleet.sendings.length} messages`);
  });

  it('syncs that wait for their turn for hours are not taken for lost', async () => {
    const streams = Array.from({ length: 10 }, (_, index) => `s${index}`);
    const fleet = makeFleet({
      connector: limited([{ requests: 6, per: '1 hour' }], streams),
      pages: Object.fromEntries(streams.map((name) => [name, 4])),
    });
    await fleet.start(...streams);
    await fleet.run();
    assertUnharmed(fleet, 10);
    // The last page of each is full: one more is asked for, to see that nothing follows it. The second look asks for three.
    assert.equal(fleet.requests.length, 80);
    assert.ok((fleet.requests.at(-1)?.at ?? 0) < START + 15 * HOUR);
  });

  it('a quota that headers call spent is waited for before it has to refuse', async () => {
    const reset = (at: number) => (Math.floor(at / MINUTE) + 1) * MINUTE;
    const used = new Map<number, number>();
    const fleet = makeFleet({
      connector: limited(TEN),
      pages: { rows: 200 },
      api: ({ at }) => {
        const count = (used.get(reset(at)) ?? 0) + 1;
        used.set(reset(at), count);
        return count > 60 ? { reply: refusal(429) } : {};
      },
      headers: ({ at }) => ({
        'x-ratelimit-remaining': String(Math.max(0, 60 - (used.get(reset(at)) ?? 0))),
        'x-ratelimit-reset': String(reset(at) / SECOND),
      }),
    });
    await fleet.start('rows');
    await fleet.run();
    assertUnharmed(fleet);
    assert.ok(refused(fleet).length <= 3 * 4, `${refused(fleet).length} refused`);
    assert.ok((fleet.requests.at(-1)?.at ?? 0) < START + 5 * MINUTE);
  });
});

it('a page that always answers 429 is set aside, and blocks nobody for long', async () => {
  const fleet = makeFleet({
    connector: limited(TEN, ['a', 'b']),
    pages: { a: 300, b: 2_000 },
    api: ({ stream, page }) => (stream === 'a' && page === 77 ? { reply: refusal(429) } : {}),
  });
  await fleet.start('a', 'b');
  await fleet.run();
  const [a, b] = ['a', 'b'].map((name) => fleet.receipts().find(({ stream }) => stream === name));
  assert.deepEqual([a?.verdict, a?.pages.failed, b?.verdict], ['INCOMPLETE', 1, 'COMPLETE']);
  assert.equal(fleet.failures.length, 1);
  const took = (fleet.requests.at(-1)?.at ?? 0) - START;
  assert.ok(took < 20 * MINUTE, `${took / MINUTE} minutes`);
});

describe('an API that is down', () => {
  const outage = START + 10 * SECOND;
  const kinds = {
    'is not reached': { failed: 'unreachable', message: 'refused' } as const,
    'answers 502': refusal(502),
    'answers 503': refusal(503),
    'answers 504': refusal(504),
  };
  for (const [what, reply] of Object.entries(kinds)) {
    it(`${what}, is asked seldom, and is survived`, async () => {
      const up = outage + 40 * MINUTE;
      const fleet = makeFleet({
        connector: limited(TEN),
        pages: { rows: 300 },
        api: ({ at }) => (at > outage && at < up ? { reply } : {}),
      });
      await fleet.start('rows');
      await fleet.run();
      assert.equal(fleet.receipts()[0]?.verdict, 'COMPLETE');
      assert.deepEqual(fleet.failures, []);
      const probes = fleet.requests.filter(({ at }) => at > outage + 10 * SECOND && at < up);
      assert.ok(probes.length > 0 && probes.length < 60, `${probes.length} requests while it was down`);
      assert.ok(
        worstWindow(
          probes.map(({ at }) => ({ at, cost: 1 })),
          SECOND - 300,
        ) <= 1,
      );
      assert.ok((fleet.requests.at(-1)?.at ?? 0) < up + 20 * MINUTE);
    });
  }

  it('for longer than is waited for: its pages are set aside, and the sync ends', async () => {
    const fleet = makeFleet({
      connector: limited(TEN),
      pages: { rows: 60 },
      api: ({ at }) => (at > START + 2 * SECOND ? { reply: refusal(503) } : {}),
      outageSeconds: 600,
    });
    await fleet.start('rows');
    await fleet.run();
    assert.equal(fleet.receipts()[0]?.verdict, 'INCOMPLETE');
    assert.ok(fleet.failures.length > 0);
  });
});

it('a worker whose clock is a minute ahead costs the others time, and no page', async () => {
  const fleet = makeFleet({ connector: limited(TEN), pages: { rows: 300 }, skews: [0, 0, 0, MINUTE] });
  await fleet.start('rows');
  await fleet.run();
  assertUnharmed(fleet);
  assert.ok((fleet.requests.at(-1)?.at ?? 0) - START < 30 * MINUTE);
});

describe('a quota that spreads a listing over days', () => {
  it('is waited for: the sync ends COMPLETE, long after a day', async () => {
    const fleet = makeFleet({
      connector: limited([{ requests: 100, per: '1 day' }]),
      pages: { rows: 300 },
      workers: 2,
    });
    await fleet.start('rows');
    await fleet.run(96 * HOUR);
    assertUnharmed(fleet);
    const last = fleet.requests.at(-1)?.at ?? START;
    assert.ok(last - START > 60 * HOUR, `it took ${(last - START) / HOUR} hours`);
  });
});
