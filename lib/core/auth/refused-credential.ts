import type { Reason } from '../response/judge.ts';
import { HOUR, MINUTE, SECOND } from '../time.ts';
import type { TokenState } from './token.ts';

/**
 * A credential that worked before and is refused now is under suspicion until a request succeeds. It is wrong if none succeeds for this long
 * and several requests were refused. If it was always the same request, the request may be at fault, and the wait is longer.
 */
const SUSPICION = MINUTE;
const SUSPICION_OF_ONE = HOUR;
/** Delay before a refused page is asked for again: the page may be at fault, not the credential. */
const RETRY_AFTER_REFUSAL = 30 * SECOND;

/** What the refusal of a credential means when there is no newer one. */
export type RefusalMeaning =
  /** The credential is wrong. */
  | { readonly is: 'pause' }
  /** Not known yet. `note`: attributes to store. */
  | { readonly is: 'later'; readonly millis: number; readonly note: RefusalNote | undefined };

/** Attributes of the connection's token item. */
export type RefusalNote = Readonly<Record<string, string | number | boolean>>;

/** `proven`: whether credentials like this one ever worked. `request`: names what was asked, without telling it. */
export type RefusalContext = {
  readonly mark: string;
  readonly request: string;
  readonly proven: boolean;
  readonly now: number;
};

export function interpretRefusal(state: TokenState, { mark, request, proven, now }: RefusalContext): RefusalMeaning {
  if (!proven) return { is: 'pause' };
  if (state.suspect !== mark) {
    const note = { suspect: mark, suspectAt: now, suspectFor: request, suspectMany: false };
    return { is: 'later', millis: RETRY_AFTER_REFUSAL, note };
  }
  const many = state.suspectMany || state.suspectFor !== request;
  if (now - state.suspectAt >= (many ? SUSPICION : SUSPICION_OF_ONE)) return { is: 'pause' };
  return {
    is: 'later',
    millis: RETRY_AFTER_REFUSAL,
    note: many === state.suspectMany ? undefined : { suspectMany: many },
  };
}

export const refusedCredential = (reason: Reason): Reason => ({
  code: 'credential-refused',
  message: `the API refuses the credential of this connection: ${reason.message}`,
});
