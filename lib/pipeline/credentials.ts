import type { Raw } from '../core/exchange.ts';
import type { Reason } from '../core/judge.ts';
import type { Invocation } from './invocation.ts';

/** What a request is authorised with. */
export type Credential = {
  /** Names it without telling it: the version of a token, or of a secret. */
  readonly mark: string;
  /** What `authorise` puts into a request. */
  readonly fields: Raw;
  /** What the token answer, or `discover`, told. */
  readonly grant: Raw;
};

/** Why there is none: one may come `later` (milliseconds), or the connection was paused until somebody mends what is wrong. */
export type NoCredential = { readonly reason: Reason } & ({ readonly later: number } | { readonly paused: true });

/** Which request was refused, method and URL, and how. */
export type Refused = { readonly request: string; readonly reason: Reason };

/** A credential that the API refused: what to send the request with once more, or why it is not sent again. */
export type Replacement = Credential | NoCredential | { readonly reason: Reason; readonly alone: true };

/** How the requests of one connection are authorised, as one worker knows it. */
export type Credentials = {
  /** The credential for a request that leaves now. */
  current(invocation: Invocation): Promise<Credential | NoCredential>;
  /** The same again at the moment of leaving, or the one that has come in its place meanwhile; `undefined`: it is over. */
  atHand(credential: Credential, leavesAt: number): Credential | undefined;
  /** The API took it. */
  worked(invocation: Invocation, credential: Credential): Promise<void>;
  /** The API refused it. */
  refused(invocation: Invocation, credential: Credential, refused: Refused): Promise<Replacement>;
  /** When no refresh is under way any more. */
  settled(): Promise<void>;
};
