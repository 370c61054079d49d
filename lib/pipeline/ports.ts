import type { TlsMaterial } from '../core/auth/tls.ts';
import type { Environment } from '../core/environment.ts';
import type { Metric } from '../core/metrics.ts';
import type { Task } from '../core/tasks.ts';

/**
 * What the use-cases need of the world. Each port has a memory version and an adapter for AWS, and both pass one
 * contract suite (test/contract). A port's method is one call to one service: a crash can fall between any two.
 */

/** What an attribute can hold: no nesting, so that every write is one plain expression. An empty set does not exist. */
export type Value = string | number | boolean | ReadonlySet<string>;
export type Item = Readonly<Record<string, Value>>;
export type Key = { readonly pk: string; readonly sk: string };

/** A change to one item. Deleting the last element of a set removes the attribute; adding to an absent one creates it. */
export type Change = {
  readonly set?: Item;
  readonly remove?: readonly string[];
  /** Adds elements to a set, or a number to a number (absent counts as 0). */
  readonly add?: Readonly<Record<string, number | ReadonlySet<string>>>;
  /** Takes elements out of a set. A set cannot be in `add` and `delete` of one change. */
  readonly delete?: Readonly<Record<string, ReadonlySet<string>>>;
};

/** A clause of a condition; a list of clauses holds when all of them do. A comparison with an absent attribute is false. */
export type Clause =
  | { readonly absent: string }
  | { readonly present: string }
  | { readonly equal: readonly [attribute: string, value: string | number | boolean] }
  | { readonly less: readonly [attribute: string, value: string | number] }
  | { readonly greater: readonly [attribute: string, value: string | number] }
  | { readonly contains: readonly [set: string, element: string] }
  | { readonly either: readonly Clause[] };

/** Whether a conditional write took place, and the item as it stands after it, or as it stood against it. */
export type Written<T> = { readonly ok: true; readonly item: T } | { readonly ok: false; readonly item: T | undefined };

/**
 * One table with a partition key `pk` and a sort key `sk`, both text. Every write is conditional and touches one item. Items come back
 * without their key, except from `query` and `live`. Each call is idempotent: a write that the adapter sends again, because its answer
 * was lost, takes effect once and is `ok`. If another write followed the lost one, it is not `ok`, as if its caller had died after it.
 */
export type Table = {
  /** A strongly consistent read. */
  get(key: Key): Promise<Item | undefined>;
  /** Puts the item unless one with its key exists. */
  create(key: Key, item: Item): Promise<Written<Item>>;
  /** Changes an item that exists, if every clause holds. */
  update(key: Key, change: Change, when?: readonly Clause[]): Promise<Written<Item>>;
  /** The same, but an item that does not exist is created. */
  upsert(key: Key, change: Change, when?: readonly Clause[]): Promise<Written<Item>>;
  /** The items of a partition whose sort key begins with the prefix, in order of the sort key, strongly consistent. */
  query(pk: string, prefix: string, after?: string): AsyncIterable<Key & Item>;
  /** The items that carry `live` with this value, in no order; eventually consistent. */
  live(value: string): AsyncIterable<Key & Item>;
  /** The items that carry `fresh` with this value, in the order of their `freshAt`, the least first; eventually consistent. */
  stalest(value: string): AsyncIterable<Key & { readonly freshAt: number }>;
};

/** The connector's queue, or its failures queue. At least once, in no order. */
export type TaskQueue<T = Task> = {
  /** Sends all tasks, or throws. `delay`: whole seconds, 0 to 900. `group`: for fair queues, the connection. */
  send(messages: readonly { task: T; group: string; delay?: number }[]): Promise<void>;
};

/** Stored objects: parts, manifests, receipts, kept responses. */
export type Objects = {
  /** Stores an object unless its key is taken; says whether it did. An object is never overwritten. */
  create(key: string, body: Uint8Array, content: { type: string; encoding?: 'gzip' }): Promise<boolean>;
  get(key: string): Promise<Uint8Array | undefined>;
};

/** Gzip (RFC 1952) of a text's UTF-8 bytes. */
export type Gzip = (text: string) => Promise<Uint8Array>;
/** The text that was compressed by it. */
export type Gunzip = (body: Uint8Array) => Promise<string>;

/** A request as it goes out: absolute URL, every header, body ready. */
export type WireRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Certificates of its connection. */
  readonly tls?: TlsMaterial | undefined;
};

/** An answer as it came in, its body read to the end. Header names are lower case; a repeated header is joined by ", ". */
export type WireReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/** No usable answer came. */
export type TransportFailure = {
  /** `unreachable`: no connection (DNS, refused). `untrusted`: the certificate is not to be trusted. `timeout`: the deadline passed. `broken`: it ended in the middle. `too-large`: the body passed the bound. */
  readonly failed: 'unreachable' | 'untrusted' | 'timeout' | 'broken' | 'too-large';
  readonly message: string;
};

export type Http = {
  /** Sends one request. `deadline`: milliseconds from now, headers and body together. `bound`: bytes of body, decompressed. Follows no redirect. Never throws. */
  send(request: WireRequest, limits: { deadline: number; bound: number }): Promise<WireReply | TransportFailure>;
};

/** A secret's value. `version`: changes whenever the value does, and tells nothing about it. `since`: when it was put, epoch milliseconds, where that is known. */
export type Secret = { readonly value: string; readonly version: string; readonly since?: number };

/** Which of a secret's values: the one that counts, or the one before it, which after a rotation may still be in use. */
export type SecretStage = 'AWSCURRENT' | 'AWSPREVIOUS';

export type Secrets = {
  /** A secret's value, AWSCURRENT by default, or `undefined` if there is none. */
  get(name: string, stage?: SecretStage): Promise<Secret | undefined>;
};

/** Authenticated encryption: texts that lie where others may read. */
export type Seals = {
  /** Seals a text for its owner. */
  seal(key: Secret, owner: string, text: string): Promise<string>;
  /** `undefined`: it was sealed with another key, for another owner, or was changed. Never throws. */
  open(key: Secret, owner: string, sealed: string): Promise<string | undefined>;
};

/** Announces closed syncs to all listeners. */
export type Events = {
  publish(type: string, detail: object): Promise<void>;
};

/** Structured log lines. A line never holds a secret, a token or a record. */
export type Log = {
  /** For who looks closely: it is left out unless it is asked for. */
  debug(message: string, fields: Readonly<Record<string, string | number | boolean>>): void;
  info(message: string, fields: Readonly<Record<string, string | number | boolean>>): void;
  warn(message: string, fields: Readonly<Record<string, string | number | boolean>>): void;
};

/** Numbers about the work, for graphs and alarms. They are written at the end of the invocation. */
export type Metrics = {
  add(name: Metric, value: number): void;
};

export type Clock = {
  /** Epoch milliseconds. */
  now(): number;
  /** Lets so many milliseconds pass. */
  wait(millis: number): Promise<void>;
};
export type Random = {
  /** From 0 (included) to 1 (excluded). */
  number(): number;
  /** An id that is never given twice: letters and digits, sortable by time of making is not promised. */
  id(): string;
};

export type Ports = {
  readonly syncs: Table;
  readonly connections: Table;
  readonly rateLimits: Table;
  readonly tokens: Table;
  readonly queue: TaskQueue;
  readonly failures: TaskQueue;
  readonly objects: Objects;
  readonly gzip: Gzip;
  readonly gunzip: Gunzip;
  readonly http: Http;
  readonly secrets: Secrets;
  readonly seals: Seals;
  readonly events: Events;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
};

/** What a function knows of its deployment beyond its ports. */
export type Settings = Pick<
  Environment,
  | 'SCHEMA_MODE'
  | 'ATTEMPTS'
  | 'ROTATE'
  | 'QUARANTINE_PERCENT'
  | 'OUTAGE_SECONDS'
  | 'VISIBILITY_TIMEOUT_SECONDS'
  | 'MAXIMUM_CONCURRENCY'
  | 'SECRETS_PREFIX'
  | 'TOKEN_KEY'
  | 'SIMULATED'
>;
