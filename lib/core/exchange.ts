/** What is asked of an API, and what it answers. */

/** Parsed JSON of unchecked shape: an API may send anything. Schemas, not types, decide what it is. */
export type Raw = ReturnType<typeof JSON.parse>;

/** What an API answered. `body` is the parsed JSON; header names are case-insensitive. */
export type Reply = { readonly status: number; header(name: string): string | undefined; readonly body: Raw };

type QueryValue = string | number | boolean | undefined;
/** One request, relative to the base URL. A query value that is `undefined` is left out; an array repeats its name. */
export type Request = {
  path: string;
  method?: 'GET' | 'POST';
  query?: Record<string, QueryValue | readonly QueryValue[]>;
  json?: unknown;
  form?: Record<string, string>;
  headers?: Record<string, string>;
};

/** A request before it is authorised. */
export type BuiltRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};
