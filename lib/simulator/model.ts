import * as z from 'zod';
import type { Connector, Stream } from '../core/connector.ts';
import { type Credentials, credentialsOf } from './credentials.ts';
import { findReplyForms } from './find-reply-form.ts';
import { recordMaker } from './records.ts';
import { SimulatorRefusal } from './refusal.ts';
import { replyMaker } from './reply-form.ts';
import { type RequestForm, requestForms } from './request-form.ts';
import { pageProbe, sampleFacts } from './samples.ts';
import { type StreamRecords, streamRecords } from './stream-records.ts';

/** One stream of the simulated API: what it holds, which requests ask for it, and what its replies look like. */
export type StreamModel = {
  readonly name: string;
  readonly paging: Stream['paging'];
  readonly newestFirst: boolean;
  readonly records: StreamRecords;
  readonly forms: readonly RequestForm[];
  /** Makes the reply to a page that others follow, and to the last one. */
  readonly more: ReturnType<typeof replyMaker>;
  readonly last: ReturnType<typeof replyMaker>;
};

/** An API made from a connector's declaration. It is plain data and pure functions; it remembers nothing. */
export type Model = {
  readonly streams: readonly StreamModel[];
  readonly params: unknown;
  readonly credentials: Credentials;
  /** The path of the connector's base URL (`/v2`): requests may come with it or without. */
  readonly basePath: string;
};

export type ModelOptions = {
  /** Same seed, same records. Default 1. */
  readonly seed?: number;
  /** How many records each stream has, or how many each named stream has. Default 1,000; 0 is an empty listing. */
  readonly records?: number | Readonly<Record<string, number>>;
  /** The connection's parameters. Those that are missing are made up from their schema. */
  readonly params?: object;
};

const RECORDS = 1_000;

/** Inverts the declaration. Throws a {@link SimulatorRefusal} that says which function of which stream it cannot invert. */
export function modelOf(connector: Connector, options: ModelOptions = {}): Model {
  const { seed = 1, records = {} } = options;
  const unknown =
    typeof records === 'number' ? [] : Object.keys(records).filter((name) => !(name in connector.streams));
  if (unknown.length > 0) throw new SimulatorRefusal(`Connector "${connector.name}" has no stream "${unknown[0]}".`);
  const params = paramsOf(connector, seed, options.params ?? {});
  const streams = Object.entries(connector.streams).map(([name, stream]) => {
    const count = typeof records === 'number' ? records : (records[name] ?? RECORDS);
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new SimulatorRefusal(`Stream "${name}" cannot have ${count} records; it must be a whole number from 0.`);
    }
    return within(name, () => streamModel(name, stream, { seed, params, count }));
  });
  for (const stream of streams) refuseTwin(stream, streams);
  return { streams, params, credentials: credentialsOf(connector, seed), basePath: basePathOf(connector, params) };
}

const fields = z.record(z.string(), z.unknown()).catch({});

/** The given parameters; those that must be there and are not are made up. */
function paramsOf({ name, params }: Connector, seed: number, given: object): unknown {
  const issues = params.safeParse(given).error?.issues ?? [];
  const missing = issues.map(({ path }) => String(path[0])).filter((field) => !(field in given));
  const made = fields.parse(recordMaker(params, { label: name, seed, count: 1, keys: missing })(0));
  const parsed = params.safeParse({ ...Object.fromEntries(missing.map((field) => [field, made[field]])), ...given });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SimulatorRefusal(`Connector "${name}": parameter "${issue?.path.join('.')}": ${issue?.message}.`);
}

/** What the base URL adds to the origin. A parameter that is a URL is taken for the origin: it will be the simulator's. */
function basePathOf({ baseUrl }: Connector, params: unknown): string {
  const named = typeof params === 'object' && params !== null ? Object.entries(params) : [];
  const moved = named.map(([name, value]) => [name, /^https?:/.test(String(value)) ? 'http://any' : value]);
  const base = URL.parse(baseUrl({ params: Object.fromEntries(moved), grant: undefined }));
  return base?.pathname.replace(/\/+$/, '') ?? '';
}

/** Runs it, and puts the stream's name before its refusal. */
function within<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof SimulatorRefusal ? new SimulatorRefusal(`Stream "${name}": ${error.message}`) : error;
  }
}

function streamModel(name: string, stream: Stream, o: { seed: number; params: unknown; count: number }): StreamModel {
  const { paging } = stream;
  const records = streamRecords(stream, name, o.seed, o.count);
  const forms = requestForms(stream, o.params, pageProbe(stream, records));
  const { more, last } = findReplyForms(stream, sampleFacts(stream, records));
  const newestFirst = stream.order === 'newest first';
  return { name, paging, newestFirst, records, forms, more: replyMaker(more), last: replyMaker(last) };
}

/** Two streams that ask the same cannot be told apart, so neither could get its own records. */
function refuseTwin(stream: StreamModel, streams: readonly StreamModel[]): void {
  const examples = stream.forms.map(({ example }) => example);
  const twin = streams.find(
    (other) =>
      other !== stream && other.forms.some(({ read }) => examples.some((example) => read(example) !== undefined)),
  );
  if (twin === undefined) return;
  throw new SimulatorRefusal(
    `Stream "${stream.name}": its "request" cannot be told from that of stream "${twin.name}".`,
  );
}
