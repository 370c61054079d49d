import { HOUR } from '../core/time.ts';
import { saltOf } from './random.ts';

/** What a token is for. */
export type TokenKind = {
  readonly seed: number;
  /** The connector's name. */
  readonly name: string;
  readonly kind: 'access' | 'refresh' | 'code';
};

/**
 * A token that carries its own expiry (epoch milliseconds), so that no state is needed: `access.1784003600000.1784000000000.k3j2h1`.
 * `note`: text without dots that it carries; of an access token, when it was issued. It is no protection.
 */
export function tokenText({ seed, name, kind }: TokenKind, until: number, note: string | number = ''): string {
  const says = [kind, until, note].map((value) => (typeof value === 'number' ? Math.floor(value) : value));
  return [...says, saltOf(seed, name, ...says).toString(36)].join('.');
}

/** Whether a text is such a token, and is still good. */
export function isToken(kind: TokenKind, text: string, now: number): boolean {
  const [, until = '', note = ''] = text.split('.');
  return text === tokenText(kind, Number(until), note) && Number(until) > now;
}

/** What a token carries. */
export const noteOf = (text: string): string => text.split('.')[2] ?? '';

/** How long a token lives, in milliseconds: an hour, if its connector does not say. */
export const lifeOf = ({ lifetime }: { readonly lifetime: number | undefined }): number => lifetime ?? HOUR;
