import type { IncomingHttpHeaders } from 'node:http';

/** The AWS services that the embedded run stands in for. */
export type Service =
  | 'dynamodb'
  | 'sqs'
  | 's3'
  | 'secretsmanager'
  | 'events'
  | 'cloudformation'
  | 'cloudwatch'
  | 'lambda';

/** One call of a service as it came over the wire, its body read to the end. */
export type Call = {
  /** As AWS names it: `PutObject`, `SendMessage`. */
  readonly operation: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Name of the function that calls; absent for a caller from outside. */
  readonly function?: string;
};

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string | Uint8Array;
};

/** A service, or as much of it as the stack uses. */
export type Backend = (call: Call) => Answer | Promise<Answer>;

/** An error that a service answers with: its code as AWS writes it, and the status. */
export class ServiceError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = 'ServiceError';
    this.code = code;
    this.status = status;
  }
}
