import type { Answer, Received } from './exchange.ts';
import type { Places } from './places.ts';
import type { Asked, RequestForm } from './request-form.ts';
import type { Twist } from './trouble.ts';

/** Something that a connector asks its API: for a page, for how many records there are, for a token. */
export type Question = {
  /** The stream that asks; absent for what belongs to the connection. */
  readonly stream?: string;
  /** Whether it is asked without what authorises all others. */
  readonly open?: true;
  readonly forms: readonly RequestForm[];
  readonly answer: (asked: Asked, request: Received, twist: Twist) => Answer;
};

/** The form of requests that only their method and path tell from others. */
export function endpoint(method: string, path: string): RequestForm {
  const text: Places = new Map([
    ['method', method],
    ['path', path],
  ]);
  const isMade = (places: Places): boolean => places.get('method') === method && places.get('path') === path;
  return { read: (places) => (isMade(places) ? {} : undefined), text, example: text, tells: 0 };
}
