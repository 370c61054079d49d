/** A request as it arrives. Header names are in lower case. */
export type Received = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** When it arrived, epoch milliseconds. */
  readonly now: number;
};

/** What the simulated API answers. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON, or as it is if it is text. */
  readonly body: unknown;
};

export const refusal = (status: number, error: string, message: string): Answer => ({
  status,
  headers: {},
  body: { error, message },
});
