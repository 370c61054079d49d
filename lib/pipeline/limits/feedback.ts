import type { Reply } from '../../core/connector/connector.ts';
import {
  holdUntil,
  type LimiterState,
  newLimiter,
  onRecovery,
  onRejection,
  type Rejection,
} from '../../core/limits/limiter.ts';
import type { ResolvedLimit } from '../../core/limits/limits.ts';
import { type HttpAnswer, type ResponseVerdict, readReply } from '../../core/response/judge.ts';
import { type Quota, quotaLearned, quotaOf } from '../../core/response/quota.ts';
import { HOUR, MINUTE, SECOND } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import { logEvent } from '../log-event.ts';
import { changeLimiters, type LimiterKey, readLimiters } from './limiter-store.ts';
import { lastAnsweredAt, noteAnswered } from './observed.ts';

/** A quota that is spent is waited for no longer than this before the API is asked whether it really is. */
const LONGEST_TRUST = HOUR;
/** A hold that is longer by less than this is not worth a write. */
const WORTHWHILE = SECOND;

/** A request that was refused so often in a row, while others got what they asked for, is itself what the API does not give. */
const REFUSALS = 5;
/** What others got counts as meanwhile if it was at most so long before the last hold. */
const MEANWHILE = MINUTE;

/** A request and its answer: on which limiters it left, when, and how often in a row it was refused before. */
export type AnsweredRequest = {
  readonly meters: readonly LimiterKey[];
  readonly leftAt: number;
  readonly refusals: number;
  readonly answer: HttpAnswer;
  readonly verdict: ResponseVerdict;
};

/** A request that does not count as an attempt: it was not its fault. Come back in so many milliseconds. */
export type NotAnAttempt = { readonly wait: number };

/**
 * Makes known to every worker what an answer says of the API's patience: a refusal holds the meter, once; so does a run of
 * requests without any answer; a quota that is spent is waited for before the API has to refuse. A request that alone is refused is no
 * news of the API.
 */
export async function applyRateLimitFeedback(
  invocation: Invocation,
  answered: AnsweredRequest,
): Promise<NotAnAttempt | undefined> {
  try {
    return await note(invocation, answered);
  } catch (error) {
    // What was fetched is not lost because a meter could not be told.
    invocation.log.warn('rate-limit table unavailable', {
      reason: error instanceof Error ? error.message : String(error),
    });
    const { verdict } = answered;
    return verdict.is === 'throttled' ? { wait: verdict.wait ?? SECOND } : undefined;
  }
}

async function note(
  invocation: Invocation,
  { meters: places, leftAt, refusals, answer, verdict }: AnsweredRequest,
): Promise<NotAnAttempt | undefined> {
  const { settings, clock } = invocation;
  const quota = toldBy(invocation, answer, verdict);
  if (verdict.is === 'throttled') {
    if (refusals >= REFUSALS && (await othersPass(invocation, places))) return undefined;
    const wait = verdict.wait ?? (quota?.left === 0 ? patient(invocation, quota.resetsIn) : undefined);
    const { heldUntil } = await recordRejection(invocation, places, { leftAt, wait, is: 'refused' });
    return { wait: Math.max(0, heldUntil - clock.now()) }; // R74
  }
  if (isSilent(answer, verdict)) {
    const meter = await recordRejection(invocation, places, { leftAt, wait: undefined, is: 'silence' });
    const excuses = meter.downSince > 0 && clock.now() - meter.downSince < settings.OUTAGE_SECONDS * SECOND;
    return excuses ? { wait: Math.max(0, meter.heldUntil - clock.now()) } : undefined; // R75
  }
  if ('reply' in verdict) noteAnswered(invocation, places);
  const [known] = await readLimiters(invocation, places.slice(0, 1), Number.POSITIVE_INFINITY);
  if (known !== undefined && onRecovery(known) !== undefined) await change(invocation, places, onRecovery);
  if (quota !== undefined) await holdForQuota(invocation, places, quota);
  return undefined;
}

/** As far as this worker saw: others got what they asked for since the last hold, or shortly before it. */
async function othersPass(invocation: Invocation, places: readonly LimiterKey[]): Promise<boolean> {
  const [known = newLimiter] = await readLimiters(invocation, places.slice(0, 1), Number.POSITIVE_INFINITY);
  return lastAnsweredAt(invocation, places) > known.heldAt - MEANWHILE;
}

const learned = ({ connector, clock }: Invocation, reply: Reply): Quota | undefined => {
  const now = clock.now();
  try {
    const told = connector.learn?.(reply);
    if (told !== undefined && told !== null) return quotaLearned(told, reply.header('date'), now);
  } catch {
    // What cannot be learned is not known.
  }
  return quotaOf((name) => reply.header(name), now);
};

/** What an answer tells of a quota: a refusal as well, by the connector's own words first. */
function toldBy(invocation: Invocation, answer: HttpAnswer, verdict: ResponseVerdict): Quota | undefined {
  if ('reply' in verdict) return learned(invocation, verdict.reply);
  return 'failed' in answer ? undefined : learned(invocation, readReply(answer));
}

/** How long advice is followed, by the connector's `patience`. */
const patient = ({ connector: { patience } }: Invocation, wait: number | undefined): number | undefined =>
  wait === undefined ? undefined : Math.min(wait, patience ?? wait);

/** Not the API itself answers: there is no way to it, or only its gateway does. A timeout may be the one page's own. */
const isSilent = (answer: HttpAnswer, { is }: ResponseVerdict): boolean =>
  is === 'retry' && ('failed' in answer ? answer.failed === 'unreachable' : [502, 503, 504].includes(answer.status));

/** Changes the first meter, the narrowest: the API speaks to one account, and others find out for themselves. */
async function change(
  invocation: Invocation,
  places: readonly LimiterKey[],
  step: (meter: LimiterState, now: number) => LimiterState | undefined,
): Promise<LimiterState | undefined> {
  const changed = await changeLimiters(invocation, places.slice(0, 1), ([meter], now) => {
    const next = meter && step(meter, now);
    return next === undefined ? { result: meter } : { result: next, meters: [next] };
  });
  return changed === 'contended' ? undefined : changed;
}

/** Tells the meter of an incident; gives it as it stands then. */
async function recordRejection(
  invocation: Invocation,
  places: readonly LimiterKey[],
  incident: Rejection,
): Promise<LimiterState> {
  let held = false;
  const meter = await change(invocation, places, (standing, now) => {
    const pushed = onRejection(standing, incident, now);
    held = pushed !== undefined && pushed.heldUntil > standing.heldUntil;
    return pushed;
  });
  const now = invocation.clock.now();
  // Fought over too often to be told: the next request that is refused will tell it.
  if (meter === undefined) return { ...newLimiter, heldUntil: now + SECOND };
  if (held) {
    const seconds = Math.ceil(Math.max(0, meter.heldUntil - now) / SECOND);
    logEvent(invocation, { message: 'meter held', meter: places[0]?.key.pk ?? '', reason: incident.is, seconds });
  }
  return meter;
}

/** Waits for the renewal of a quota of which too little is left: for the next request, and for all others that share the account. */
async function holdForQuota(invocation: Invocation, places: readonly LimiterKey[], quota: Quota): Promise<void> {
  const limits = places.flatMap((place) => place.limits);
  const room = (quota.of ?? 0) * (1 - Math.min(1, ...limits.map(({ share }) => share)));
  const missing = Math.max(1, ...limits.map(({ cost }) => cost)) + room - quota.left;
  if (missing <= 0) return;
  const wait = quota.resetsIn ?? refill(limits, missing);
  // Headers tell whole seconds. Of windows that short the declared limits take better care.
  if (wait === undefined || (wait <= WORTHWHILE && limits.length > 0)) return;
  await change(invocation, places, (meter, now) => {
    const until = now + Math.min(wait, LONGEST_TRUST);
    return until < meter.heldUntil + WORTHWHILE ? undefined : holdUntil(meter, until, now);
  });
}

/** Milliseconds in which so many units come back, where the limit says how fast they do. */
function refill(limits: readonly ResolvedLimit[], units: number): number | undefined {
  const paces = limits.flatMap((limit) => (limit.window === 'rolling' ? limit.interval / 1_000 : []));
  return paces.length === 0 ? undefined : units * Math.min(...paces);
}
