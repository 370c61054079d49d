import type { Reason } from '../response/judge.ts';
import { HOUR, MINUTE, SECOND } from '../time.ts';
import type { TokenState } from './token.ts';

/**
 * A credential that worked before and is refused now is under suspicion until anything works again. If nothing does for this long, and
 * several requests were refused, it is wrong; if it was always the same request, that one may be at fault, and it takes longer.
 */
const SUSPICION = MINUTE;
const SUSPICION_OF_ONE = HOUR;
/** When a page that was refused, perhaps for reasons of its own, is asked for again. */
const RETRY_AFTER_REFUSAL = 30 * SECOND;

/** What the refusal of a credential means when there is no newer one. */
export type RefusalMeaning =
  /** It is the credential: nobody can work with it. */
  | { readonly is: 'pause' }
  /** Nobody knows yet. `note`: what is to be written down. */
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
