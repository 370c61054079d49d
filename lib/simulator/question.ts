import type { Received } from './places.ts';
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
  readonly forms: readonly RequestForm[];
  readonly answer: (asked: Asked, request: Received) => Answer;
};

export const refusal = (status: number, error: string, message: string): Answer => ({
  status,
  headers: {},
  body: { error, message },
});
