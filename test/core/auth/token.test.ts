import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { interpretRefusal } from '../../../lib/core/auth/refused-credential.ts';
import {
  nextTokenStep,
  REFRESH_LEASE,
  TOKEN_DEADLINE,
  tokenLifetime,
  tokenRetryDelay,
  tokenState,
} from '../../../lib/core/auth/token.ts';

const valid = { version: 3, token: 'jwe', refresh: 'jwe', validUntil: 1_000, refreshAt: 800 };
const step = (item: object, now: number) => nextTokenStep(tokenState.parse(item), now);

describe('what to do for a token', () => {
  it('there is none: ask for one', () => assert.deepEqual(step({}, 1), { do: 'refresh', early: false }));
  it('it is young: use it', () => assert.deepEqual(step(valid, 799), { do: 'use' }));
  it('it is due: ask for a new one, and go on with it', () =>
    assert.deepEqual(step(valid, 800), { do: 'refresh', early: true }));
  it('it is due and somebody asks: use it', () =>
    assert.deepEqual(step({ ...valid, owner: 'o', lease: 900 }, 850), { do: 'use' }));
  it('it is over and somebody asks: wait for him', () =>
    assert.deepEqual(step({ ...valid, owner: 'o', lease: 1_500 }, 1_100), { do: 'wait', millis: 400 }));
  it('it was refused: ask for a new one', () =>
    assert.deepEqual(step({ ...valid, refused: 'v3' }, 1), { do: 'refresh', early: false }));
  it('one before it was refused: use it', () => assert.deepEqual(step({ ...valid, refused: 'v2' }, 1), { do: 'use' }));
  it('it says nothing of its end: use it', () =>
    assert.deepEqual(step({ version: 1, token: 'jwe' }, 1e15), { do: 'use' }));
  it('the endpoint gave none a moment ago: wait', () =>
    assert.deepEqual(step({ version: 0, retryAt: 50 }, 20), { do: 'wait', millis: 30 }));

  it('nobody knows whether the refresh token is spent: use the token up before asking again', () => {
    for (const doubt of [{ doubtful: true }, { owner: 'dead', lease: 850 }]) {
      assert.deepEqual(step({ ...valid, ...doubt }, 900), { do: 'use' });
      assert.deepEqual(step({ ...valid, ...doubt }, 1_000), { do: 'refresh', early: false });
    }
    const client = { ...valid, refresh: undefined };
    assert.deepEqual(step({ ...client, owner: 'dead', lease: 850 }, 900), { do: 'refresh', early: true });
  });
});

it('a lease is longer than what it protects', () => assert.ok(REFRESH_LEASE > TOKEN_DEADLINE));

it('a token is refreshed at 75 to 85 % of its life, and used for all of it but a margin', () => {
  const hour = 3_600_000;
  assert.deepEqual(tokenLifetime(0, hour, 0), { validUntil: hour - 30_000, refreshAt: 0.75 * hour });
  assert.deepEqual(tokenLifetime(0, 2_000, 1), { validUntil: 1_900, refreshAt: 1_700 });
  assert.deepEqual(tokenLifetime(5, undefined, 0.5), {});
});

it('patience doubles to five minutes, and heeds the server', () => {
  assert.equal(tokenRetryDelay(1, 1), 2_000);
  assert.equal(tokenRetryDelay(3, 0), 4_000);
  assert.equal(tokenRetryDelay(50, 1), 300_000);
  assert.equal(tokenRetryDelay(1, 1, 60_000), 60_000);
});

describe('what the refusal of a credential means', () => {
  const circumstances = { mark: 'v3', request: 'a', proven: true, now: 2_000 };
  const meaning = (item: object, more: object = {}) =>
    interpretRefusal(tokenState.parse(item), { ...circumstances, ...more });
  const suspected = { suspect: 'v3', suspectAt: 1_500, suspectFor: 'a' };

  it('it never worked: it is wrong', () => assert.deepEqual(meaning({}, { proven: false }), { is: 'pause' }));
  it('it worked before: nobody knows', () => {
    const note = { suspect: 'v3', suspectAt: 2_000, suspectFor: 'a', suspectMany: false };
    assert.deepEqual(meaning({ ...suspected, suspect: 'v2' }), { is: 'later', millis: 30_000, note });
  });
  it('nothing has worked for a minute, whatever was asked: it is wrong', () => {
    const note = { suspectMany: true };
    assert.deepEqual(meaning(suspected, { request: 'b' }), { is: 'later', millis: 30_000, note });
    assert.deepEqual(meaning({ ...suspected, ...note }, { now: 61_499 }), {
      is: 'later',
      millis: 30_000,
      note: undefined,
    });
    assert.deepEqual(meaning({ ...suspected, ...note }, { now: 61_500 }), { is: 'pause' });
  });
  it('one request alone is refused: it may be that one, for an hour', () => {
    assert.deepEqual(meaning(suspected, { now: 61_500 }), { is: 'later', millis: 30_000, note: undefined });
    assert.deepEqual(meaning(suspected, { now: 3_601_500 }), { is: 'pause' });
  });
});
