import type { Reason } from './judge.ts';
import { MINUTE, SECOND } from './time.ts';
import type { TokenState } from './token.ts';

/** For how long a credential that worked before is held for good although it was refused. */
const SUSPICION = MINUTE;
/** When a page that was refused, perhaps for reasons of its own, is asked for again. */
const AGAIN = 30 * SECOND;

/** What the refusal of a credential means when there is no newer one. */
export type Meaning =
  /** It is the credential: nobody can work with it. */
  | { readonly is: 'pause' }
  /** It is the page. */
  | { readonly is: 'alone' }
  /** Nobody knows yet. `suspect`: it is to be noted since when. */
  | { readonly is: 'later'; readonly millis: number; readonly suspect: boolean };

/** `workedAt`: when a request that the credential authorised left last, as far as is known. `proven`: whether it ever worked. */
export type Circumstances = {
  readonly mark: string;
  readonly leftAt: number;
  readonly workedAt: number;
  readonly proven: boolean;
  readonly now: number;
};

/** What never worked is wrong; what worked elsewhere since this request left is right; else a minute in which nothing works tells. */
export function meaningOf(state: TokenState, { mark, leftAt, workedAt, proven, now }: Circumstances): Meaning {
  if (workedAt >= leftAt) return { is: 'alone' };
  if (!proven) return { is: 'pause' };
  if (state.suspect !== mark) return { is: 'later', millis: AGAIN, suspect: true };
  return now - state.suspectAt >= SUSPICION ? { is: 'pause' } : { is: 'later', millis: AGAIN, suspect: false };
}

export const refusedCredential = (reason: Reason): Reason => ({
  code: 'credential-refused',
  message: `the API refuses the credential of this connection: ${reason.message}`,
});
