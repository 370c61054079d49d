import type { Limit } from '../../lib/core/connector/connector.ts';
import { HOUR, MINUTE, SECOND } from '../../lib/core/time.ts';
import type { Random } from '../../lib/pipeline/ports.ts';

/** What may go wrong in one run, and how often: drawn anew for each seed, so that faults come alone and together. */
export type Weather = {
  /** At any call: the invocation dies, before or after the call's effect. */
  readonly crash: number;
  /** At any call: the invocation stands still for up to an hour, then goes on as if nothing were. */
  readonly freeze: number;
  /** At any call to AWS: it fails without effect; it takes effect but its answer is lost; it is sent a second time by the SDK. */
  readonly refused: number;
  readonly lostAnswer: number;
  readonly repeated: number;
  /** At any send: a copy comes as well, up to two hours later; the message never comes. */
  readonly duplicate: number;
  readonly lostMessage: number;
  /** Of the pages and chains: those whose every message is lost. */
  readonly vanish: number;
  /** The longest that a message can take to come, in milliseconds. */
  readonly delivery: number;
  /** A message that is done with cannot be deleted. */
  readonly undeletable: number;
  /** At any request: the API fails, throttles, or gives an empty page where records belong. */
  readonly apiFails: number;
  readonly apiThrottles: number;
  readonly apiLies: number;
  /** A throttled request is told to come back in hours. */
  readonly longHolds: number;
  /** Nothing of the API answers for a while: from, until, in milliseconds from the start. */
  readonly outage: readonly [from: number, until: number] | undefined;
  /** What the connector declares of the API's limits, and how much of the first of them the API really lets through. */
  readonly limits: readonly Limit[];
  readonly truth: number;
  /** Pages that never come: refused for good, failing for ever, or killing whoever reads them. */
  readonly poison: number;
  /** What was set aside is sent back from the failures queue, up to three hours later. */
  readonly sentBack: number;
  /** From then on every page that never came does come; milliseconds from the start. */
  readonly mendedAt: number;
  /** Records are inserted, changed and deleted while they are read: mean milliseconds between two changes. */
  readonly churnEvery: number | undefined;
  /** How long a cursor can be followed from the first page on, in milliseconds. */
  readonly lifetime: number | undefined;
  /** When the connector is deployed in another revision, in milliseconds from the start. */
  readonly deployedAt: number | undefined;
  /** Clocks differ by up to so many milliseconds. */
  readonly skew: number;
  readonly housekeeping: boolean;
  /** Scheduled times, in milliseconds from the start; each may be delivered again, late. */
  readonly ticks: readonly number[];
};

export function drawWeather({ number }: Random): Weather {
  const maybe = (chance: number, rate: number): number => (number() < chance ? rate * (0.2 + number()) : 0);
  const lostMessage = maybe(0.3, 0.03);
  const vanish = maybe(0.1, 0.05);
  const poison = maybe(0.2, 0.05);
  const longHolds = maybe(0.1, 0.02);
  const count = 1 + Math.floor(number() * 3);
  const every = number() < 0.3 ? 20 * SECOND : (10 + number() * 300) * MINUTE;
  return {
    crash: maybe(0.5, 0.02),
    freeze: maybe(0.3, 0.01),
    refused: maybe(0.3, 0.01),
    lostAnswer: maybe(0.3, 0.01),
    repeated: maybe(0.3, 0.02),
    duplicate: maybe(0.5, 0.2),
    lostMessage,
    vanish,
    delivery: number() < 0.2 ? 10 * MINUTE : SECOND,
    undeletable: maybe(0.3, 0.05),
    apiFails: maybe(0.4, 0.1),
    apiThrottles: maybe(0.3, 0.05),
    apiLies: maybe(0.2, 0.05),
    poison,
    longHolds,
    outage: number() < 0.15 ? drawOutage(number) : undefined,
    limits: drawLimits(number),
    truth: number() < 0.2 ? 0.5 : 1,
    churnEvery: number() < 0.4 ? 50 + number() * 3_000 : undefined,
    skew: maybe(0.5, 100),
    // Without lost messages the queue alone must end every sync: half of those runs have no housekeeping to hide behind.
    housekeeping: lostMessage + vanish + poison + longHolds > 0 || number() < 0.5,
    ticks: Array.from({ length: count }, (_, i) => i * every),
    sentBack: maybe(0.6, 0.8),
    lifetime: number() < 0.25 ? Math.ceil(10 ** (6 * number())) + 500 : undefined,
    // In the middle of a sync, more often than not.
    deployedAt: number() < 0.15 ? Math.floor(number() * count) * every + number() ** 3 * 10 * MINUTE : undefined,
    mendedAt: number() * 6 * HOUR,
  };
}

/** Shorter than an outage may be before it costs an attempt. */
function drawOutage(number: Random['number']): [number, number] {
  const from = number() * 2 * MINUTE;
  return [from, from + (0.2 + number()) * 40 * MINUTE];
}

/** Windows of 5 s and more: their margins are wider than clocks differ here. */
function drawLimits(number: Random['number']): Limit[] {
  if (number() < 0.4) return [];
  const requests = 3 + Math.floor(number() * 40);
  const burst = number() < 0.5 ? 1 : Math.max(1, Math.floor((number() * requests) / 2));
  const first: Limit = { requests, per: '5 seconds', burst };
  const kind = number();
  if (kind < 0.3) return [first, { requests: 5 * requests, per: '1 minute', burst: Math.floor((5 * requests) / 4) }];
  if (kind < 0.5) return [first, { requests: 4 * requests, per: '1 minute', window: 'fixed', scope: 'connector' }];
  return [first];
}
