import type { Places, Received } from './places.ts';
import type { Asked, RequestForm } from './request-form.ts';

/** What the simulated API answers. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON. */
  readonly body: unknown;
};

/** Something that a connector asks its API: for a page, for how many records there are, for a token. */
export type Question = {
  /** The stream that asks; absent for what belongs to the connection. */
  readonly stream?: string;
  /** Whether it is asked without what authorises all others. */
  readonly open?: true;
  readonly forms: readonly RequestForm[];
  readonly answer: (asked: Asked, request: Received) => Answer;
};

export const refusal = (status: number, error: string, message: string): Answer => ({
  status,
  headers: {},
  body: { error, message },
});

/** The form of requests that only their method and path tell from others. */
export function endpoint(method: string, path: string): RequestForm {
  const text: Places = new Map([
    ['method', method],
    ['path', path],
  ]);
  const isMade = (places: Places): boolean => places.get('method') === method && places.get('path') === path;
  return { read: (places) => (isMade(places) ? {} : undefined), text, example: text, tells: 0 };
}
