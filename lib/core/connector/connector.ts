import * as z from 'zod';
import type { Auth } from '../auth/auth-scheme.ts';
import { ConnectorError } from '../connector-error.ts';
import { isTimeZone, parseInstant } from '../dates.ts';
import type { Raw, Reply } from '../exchange.ts';
import { type Limit, limitSchema, limitsComplaint } from '../limits/limits.ts';
import type { LearnedQuota } from '../response/quota.ts';
import type { Rule } from '../response/rules.ts';
import type { Rotation } from '../rotation.ts';
import { schemaComplaint } from '../schema-complaint.ts';
import { MINUTE, parseSpan, type Span, span } from '../time.ts';
import { probeConnector } from './probe.ts';
import type { Account, Stream, StreamSpec } from './stream.ts';

export * from '../auth/auth.ts';
export type * from '../auth/auth-scheme.ts';
export type { SignedParts, SignedRequest, SigningTools } from '../auth/signing.ts';
export { ConnectorError } from '../connector-error.ts';
export type { Instant } from '../dates.ts';
export type * from '../exchange.ts';
export type { Limit } from '../limits/limits.ts';
export type { Rule } from '../response/rules.ts';
export type { Rotation } from '../rotation.ts';
export type { Span } from '../time.ts';
export type * from './asked.ts';
export { cursor, job, keyset, links, offsets, one, pages } from './paging.ts';
export type { DateMark, NumberMark, Since, TokenMark } from './since.ts';
export type * from './stream.ts';

export type ConnectorSpec<PS extends z.ZodType, G, M extends Record<string, Stream>> = {
  /** Lower case letters, digits and hyphens, at most 30: it names queues, tables' keys and folders. */
  name: string;
  /** Where the API is documented. */
  docs: string;
  revision?: number;
  params: PS;
  auth: Auth<z.output<PS>, G>;
  headers?: Record<string, string>;
  baseUrl: string | ((at: Account<z.output<PS>, G>) => string);
  /** All of them hold at once. `[]`: none is known. They may differ by connection, but are known before anything was granted. */
  limits: readonly Limit[] | ((at: { params: z.output<PS> }) => readonly Limit[]);
  /** The most requests that may be under way at once, whatever their rate: 1 to 1,000. 1 holds for all connections with the same secret. Default: 160. */
  concurrency?: number;
  /** How often each stream's sync starts. Default: one day. */
  schedule?: Span;
  /** What an answer tells of the API's quota, where no header says it that everybody knows. */
  learn?: (reply: Reply) => LearnedQuota | undefined;
  /** How often the secret of a connection is to be replaced; `false`: never. Default: what the stage says, or else 90 days. */
  rotate?: Rotation;
  /** The longest that an API's advice is followed before it is asked again. Default: one day. */
  patience?: Span;
  /** How long one answer may take, headers and body: up to 10 minutes. Default: 30 seconds. A stream may say its own. */
  timeout?: Span;
  /** The largest body in bytes, decompressed: up to 128 MiB. Default: 32 MiB. A stream may say its own. */
  largest?: number;
  errors?: readonly Rule[];
  /** Places in a body that are left out of every kept response, like `user.email` or `rows.*.iban`; `*` is every element or field. */
  redact?: readonly string[];
  streams: (
    stream: <S extends z.ZodType, Page, Parent = undefined, Setup = undefined>(
      spec: StreamSpec<z.output<PS>, G, S, Page, Parent, Setup>,
    ) => Stream,
  ) => M;
};

/** A connector that was checked: every stream is complete, and its requests use what they are given. */
export type Connector<M extends Record<string, Stream> = Record<string, Stream>> = {
  readonly name: string;
  readonly docs: string;
  readonly revision: number;
  readonly params: z.ZodType;
  readonly auth: Auth<Raw, Raw>;
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: (at: Account<Raw, Raw>) => string;
  /** Over the whole reply, first match wins. */
  readonly errors: readonly Rule[];
  /** Places in a body that are taken out of kept responses. */
  readonly redact: readonly string[];
  /** The connector's limits for a connection, checked. Throws a {@link ConnectorError} if its function returns an invalid limit. */
  readonly limits: (at: { readonly params: Raw }) => readonly Limit[];
  readonly concurrency: number;
  readonly rotate: Rotation | undefined;
  readonly learn: ((reply: Reply) => LearnedQuota | undefined) | undefined;
  /** Milliseconds; `undefined`: as long as any advice is followed. */
  readonly patience: number | undefined;
  /** Milliseconds that one answer of a stream may take, and its bytes. */
  readonly bounds: (stream: Pick<Stream, 'timeout' | 'largest'>) => {
    readonly timeout: number;
    readonly largest: number;
  };
  readonly streams: M;
  /** How often a stream's sync starts. */
  readonly schedule: (stream: string) => Span;
};

/**
 * Declares an API. Throws a {@link ConnectorError} when the declaration is incomplete, uses something that does not
 * work yet, or has a request that ignores its page or its window.
 */
export function defineConnector<PS extends z.ZodType, G, M extends Record<string, Stream>>(
  spec: ConnectorSpec<PS, G, M>,
): Connector<M> {
  const where = `Connector "${typeof spec.name === 'string' ? spec.name : '?'}"`;
  check(connectorShape, spec, where);

  const streams = spec.streams((stream) => stream);
  if (Object.keys(streams).length === 0) throw new ConnectorError(`${where} declares no stream.`);
  for (const [name, stream] of Object.entries(streams)) {
    const which = `${where}, stream "${name}"`;
    if (!NAME.test(name))
      throw new ConnectorError(`${which}: a stream's name is letters, digits, "_" and "-", at most 30.`);
    check(streamShape, stream, which);
    if (stream.limits !== undefined) checkLimits(stream.limits, [stream.cost ?? 1], which);
    const complaint = probeConnector(stream) ?? keyless(stream) ?? parentage(streams, name) ?? tooLarge(spec, stream);
    if (complaint !== undefined) throw new ConnectorError(`${which}: ${complaint}`);
  }
  const { baseUrl, limits } = spec;
  const costs = Object.values(streams).map(({ cost = 1 }) => cost);
  if (typeof limits !== 'function') checkLimits(limits, costs, where);
  return {
    name: spec.name,
    docs: spec.docs,
    revision: spec.revision ?? 1,
    params: spec.params,
    auth: spec.auth,
    headers: spec.headers ?? {},
    errors: spec.errors ?? [],
    redact: spec.redact ?? [],
    baseUrl: typeof baseUrl === 'string' ? () => baseUrl : baseUrl,
    limits: typeof limits === 'function' ? (at) => checkLimits(limits(at), costs, where) : () => limits,
    concurrency: spec.concurrency ?? CONCURRENCY,
    rotate: spec.rotate,
    learn: spec.learn,
    patience: spec.patience && span(spec.patience),
    bounds: (stream) => ({
      timeout: span(stream.timeout ?? spec.timeout ?? '30 seconds'),
      largest: stream.largest ?? spec.largest ?? LARGEST,
    }),
    streams,
    schedule: (stream) => streams[stream]?.schedule ?? spec.schedule ?? '1 day',
  };
}

/** A key that no record can have, as its schema lets only listed fields through: every record would be quarantined. */
function keyless({ schema, key }: Stream): string | undefined {
  if (!(schema instanceof z.ZodObject)) return undefined;
  const { catchall } = schema.def;
  if (catchall !== undefined && !(catchall instanceof z.ZodNever)) return undefined;
  const fields = Object.keys(schema.shape);
  const missing = [key].flat().find((name) => !fields.includes(name));
  return missing === undefined
    ? undefined
    : `its key "${missing}" is no field of its schema, which has: ${fields.join(', ')}.`;
}

/** A body that is larger than a worker can read at once, and cannot be read in portions. */
function tooLarge(spec: { readonly largest?: number | undefined }, stream: Stream): string | undefined {
  const bytes = stream.largest ?? spec.largest ?? LARGEST;
  if (bytes <= LARGEST_WHOLE || readsPortions(stream)) return undefined;
  return `"largest" must be at most ${LARGEST_WHOLE} (128 MiB), but for rows of csv() or jsonLines() by one() or job(), which are read in portions (got ${bytes}).`;
}

/** Whether a large body of a stream is read in portions: it is one response, of rows. */
export const readsPortions = ({ paging, read }: Stream): boolean =>
  (paging.kind === 'one' || paging.kind === 'job') && read?.cut !== undefined;

/** What is wrong with the parents of a stream. */
function parentage(streams: Readonly<Record<string, Stream>>, name: string): string | undefined {
  const ancestors = new Set([name]);
  for (let each = streams[name]?.each; each !== undefined; each = streams[each.of]?.each) {
    if (!Object.hasOwn(streams, each.of)) return `"each.of": there is no stream "${each.of}".`;
    if (ancestors.has(each.of)) return `"each.of": "${each.of}" is its own parent.`;
    ancestors.add(each.of);
  }
  return undefined;
}

/** Whether a value, such as the default export of a file, came from {@link defineConnector}. */
export const isConnector = (value: unknown): value is Connector => connectorMark.safeParse(value).success;

/** The connector that a module exports: by default, or else by whatever name. */
export const connectorIn = (exported: Readonly<Record<string, unknown>>): Connector | undefined =>
  [exported.default, ...Object.values(exported)].find(isConnector);

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,29}$/;
const func = z.custom<(...input: never[]) => unknown>((value) => typeof value === 'function', 'must be a function');
const duration = z.string().refine((text) => (parseSpan(text) ?? 0) > 0, 'must be a duration like "5 minutes"');
const lookback = z.string().refine((text) => parseSpan(text) !== undefined, 'must be a duration like "5 minutes"');
const startDate = z
  .string()
  .refine((text) => parseInstant(text) !== undefined, 'must be a date like "2020-01-01T00:00:00Z"');
const timeZone = z.string().refine(isTimeZone, 'must be an IANA time zone like "America/New_York"');
const zodSchema = z.instanceof(z.ZodType, { error: 'must be a zod schema' });
const anything = z.unknown();

/** The longest that an answer may take, and the default and the most of its bytes. */
const LONGEST_TIMEOUT = 10 * MINUTE;
const MIB = 1024 * 1024;
const LARGEST = 32 * MIB;
const timeout = duration.refine((text) => (parseSpan(text) ?? 0) <= LONGEST_TIMEOUT, 'must be at most "10 minutes"');
/** Of a body that is read in portions, and of any other. */
const LARGEST_CUT = 256 * MIB;
const LARGEST_WHOLE = 128 * MIB;
const largest = z
  .int('must be a whole number of bytes')
  .min(1, 'must be at least 1')
  .max(LARGEST_CUT, 'must be at most 268435456 (256 MiB)');

const ruleShape = z
  .strictObject({
    when: func,
    is: z.enum(['throttled', 'retry', 'reauthorise', 'restart', 'empty', 'failure', 'page']),
    wait: z.union([duration, func], 'must be a duration like "5 minutes", or a function of the reply').optional(),
    because: z.string().min(1, 'must say why, in one clause'),
  })
  .refine(({ is, wait }) => wait === undefined || is === 'throttled' || is === 'retry', {
    path: ['wait'],
    error: 'has no meaning here: only "throttled" and "retry" wait',
  });

const connectorShape = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,29}$/, 'must be lower case letters, digits and "-", at most 30'),
  docs: z.string(),
  revision: z.int().min(1).optional(),
  params: zodSchema,
  auth: z.object({ kind: z.string() }),
  headers: z.record(z.string(), z.string()).optional(),
  baseUrl: z.union([z.url({ protocol: /^https?$/ }), func]),
  limits: z.union([z.array(anything), func]),
  concurrency: z
    .int('must be a whole number from 1 to 1,000')
    .min(1, 'must be at least 1')
    .max(1_000, 'must be at most 1,000')
    .optional(),
  schedule: duration.optional(),
  learn: func.optional(),
  rotate: z.union([z.literal(false), duration], 'must be a duration like "90 days", or false').optional(),
  patience: duration.optional(),
  timeout: timeout.optional(),
  largest: largest.optional(),
  errors: z.array(ruleShape).optional(),
  redact: z.array(z.string().regex(/^[^.]+(\.[^.]+)*$/, 'must be a place like "user.email"')).optional(),
  streams: func,
});

/** The parents of one listing stand in one item of the tree. */
const MOST_TOGETHER = 1_000;

const sinceShape = z
  .strictObject({
    ...{ field: func.optional(), lookback: lookback.optional(), start: startDate.optional() },
    ...{ zone: timeZone.optional(), number: func.optional(), token: func.optional() },
  })
  .superRefine(({ field, number, token, lookback: back, ...dated }, context) => {
    const issue = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path });
    if ([field, number, token].filter((mark) => mark !== undefined).length !== 1)
      issue('must have one of "field" (a date), "number" and "token": by one of them it tells what is new');
    else if (field !== undefined && back === undefined) issue('is missing', ['lookback']);
    else if (field === undefined && (back !== undefined || Object.values(dated).some((each) => each !== undefined)))
      issue('must have "lookback", "start" and "zone" only with "field": they speak of dates');
  });

const jobShape = z.strictObject({
  kind: z.literal('job'),
  ...{ start: func, ready: func, files: func, every: duration, within: duration },
});

const streamShape = z.strictObject({
  request: func,
  paging: z.union([jobShape, z.object({ kind: z.string() })]),
  read: func.optional(),
  records: func,
  schema: zodSchema,
  key: z.union([z.string(), z.array(z.string()).min(1)]),
  map: func.optional(),
  since: sinceShape.optional(),
  total: func.optional(),
  nested: z.record(z.string(), z.string()).optional(),
  secondLook: z.enum(['all', 'sample', 'none']).optional(),
  order: z.enum(['oldest first', 'newest first', 'by key']).optional(),
  schedule: duration.optional(),
  setup: z.strictObject({ request: func, read: func }).optional(),
  each: z
    .strictObject({
      of: z.string(),
      pick: func,
      together: z.int().min(1).max(MOST_TOGETHER).optional(),
      only: func.optional(),
    })
    .optional(),
  deleted: func.optional(),
  slices: z
    .strictObject({
      width: duration,
      least: duration,
      byKey: z.strictObject({ request: func, paging: z.object({ kind: z.literal('keyset') }) }).optional(),
    })
    .optional(),
  count: z.strictObject({ request: func, read: func, exact: z.boolean() }).optional(),
  limits: z.array(anything).optional(),
  timeout: timeout.optional(),
  largest: largest.optional(),
  cost: z.int('must be a whole number').min(1, 'must be at least 1').optional(),
  full: duration.optional(),
});

const connectorMark = z.object({
  name: z.string(),
  docs: z.string(),
  revision: z.number(),
  baseUrl: func,
  schedule: func,
  auth: z.object({ kind: z.string() }),
  streams: z.record(z.string(), z.object({ request: func, records: func })),
});

/** Requests under way at once where a connector says nothing: 10 workers with 16 each. */
const CONCURRENCY = 160;

function checkLimits(limits: readonly Limit[], costs: readonly number[], where: string): readonly Limit[] {
  check(z.array(limitSchema), limits, `${where}, limits`);
  const complaint = limitsComplaint(limits, costs);
  if (complaint !== undefined) throw new ConnectorError(`${where}: ${complaint}.`);
  return limits;
}

function check(shape: z.ZodType, value: unknown, where: string): void {
  const complaint = schemaComplaint(shape, value);
  if (complaint !== undefined) throw new ConnectorError(`${where}: ${complaint}.`);
}
