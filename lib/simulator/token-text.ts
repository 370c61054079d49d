import { saltOf } from './random.ts';

/** What a token is for. `note`: text without dots that it carries. */
export type TokenKind = {
  readonly seed: number;
  /** The connector's name. */
  readonly name: string;
  readonly kind: 'access' | 'refresh' | 'code';
};

/**
 * A token that says itself until when it is good (epoch milliseconds), so that nobody needs to remember it: `access.1784000000000..k3j2h1`. It
 * hides nothing, and keeps nobody out who wants to get in.
 */
export const tokenText = ({ seed, name, kind }: TokenKind, until: number, note = ''): string =>
  `${kind}.${until}.${note}.${saltOf(seed, name, kind, until, note).toString(36)}`;

/** Whether a text is such a token, and is still good. */
export function isToken(kind: TokenKind, text: string, now: number): boolean {
  const [, until = '', note = ''] = text.split('.');
  return text === tokenText(kind, Number(until), note) && Number(until) > now;
}

/** What a token carries. */
export const noteOf = (text: string): string => text.split('.')[2] ?? '';
