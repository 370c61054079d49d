import * as z from 'zod';
import type { Account, Connector, Raw, Stream } from '../core/connector/connector.ts';
import type { Client } from './client.ts';
import { secretOf } from './credentials.ts';
import { invertStream } from './invert-stream.ts';
import { type Parents, parentsOf } from './parents.ts';
import type { Question } from './question.ts';
import { recordMaker } from './records.ts';
import { SimulatorRefusal } from './refusal.ts';
import { type Asked, knowsParents } from './request-form.ts';
import type { StreamModel } from './stream-model.ts';
import { type StreamRecords, streamRecords } from './stream-records.ts';
import { tokenModel } from './token-model.ts';

/** An API made from a connector's declaration. It is plain data and pure functions; it remembers nothing. */
export type Model = {
  readonly streams: readonly StreamModel[];
  /** Everything that the connector asks. */
  readonly questions: readonly Question[];
  /** Whose API it is: its parameters, and the secret that opens it. */
  readonly client: Client;
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
  const client = { connector, seed, params, secret: secretOf(connector, seed) };
  const { grant, questions: tokens } = tokenModel(client);
  const account = { params, grant };
  const basePath = basePathOf(connector, account);
  const counts = (name: string) => (typeof records === 'number' ? records : (records[name] ?? RECORDS));
  const stored = recordsOf(connector, seed, counts);
  const streams = stored.map(({ name, stream, records }) =>
    within(name, () => {
      const newestFirst = stream.order === 'newest first';
      const parents = parentsIn(stored, stream, account);
      return invertStream(stream, account, { name, newestFirst, records, parents });
    }),
  );
  const questions = [...tokens(basePath), ...streams.flatMap((stream) => stream.questions)];
  for (const stream of streams) refuseTwin(stream, questions);
  return { streams, questions, client, basePath };
}

type Stored = { readonly name: string; readonly stream: Stream; readonly records: StreamRecords };

/** The records whose children the stream lists; `undefined` if there is only the one that the parameters name. */
function parentsIn(stored: readonly Stored[], { each }: Stream, account: Account<Raw, Raw>): Parents | undefined {
  const of = stored.find(({ name }) => name === each?.of);
  if (each === undefined || of === undefined || each.only?.(account) !== undefined) return undefined;
  return parentsOf(each, of.stream, of.records);
}

/** What the API has of each stream. */
function recordsOf({ streams }: Connector, seed: number, counts: (name: string) => number): readonly Stored[] {
  const all = Object.entries(streams);
  return all.map(([name, stream]) => {
    const count = counts(name);
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new SimulatorRefusal(`Stream "${name}" cannot have ${count} records; it must be a whole number from 0.`);
    }
    const picks = all.flatMap(([, { each }]) => (each?.of === name ? [each.pick] : []));
    return { name, stream, records: within(name, () => streamRecords(stream, name, { seed, count, picks })) };
  });
}

const fields = z.record(z.string(), z.unknown()).catch({});

/** The given parameters; those that must be there and are not are made up. */
function paramsOf({ name, params }: Connector, seed: number, given: object): unknown {
  const issues = params.safeParse(given).error?.issues ?? [];
  const missing = issues.map(({ path }) => String(path[0])).filter((field) => !(field in given));
  const made = fields.parse(recordMaker(params, { label: name, seed, count: 1, keys: missing })(0));
  const found = missing.map((field) => [field, isUrl(made[field]) ? new URL(made[field]).origin : made[field]]);
  const parsed = params.safeParse({ ...Object.fromEntries(found), ...given });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SimulatorRefusal(`Connector "${name}": parameter "${issue?.path.join('.')}": ${issue?.message}.`);
}

const isUrl = (value: unknown): value is string => typeof value === 'string' && /^https?:/.test(value);

/** What the base URL adds to the origin. A parameter that is a URL is taken for the origin: it will be the simulator's. */
function basePathOf({ baseUrl }: Connector, { params, grant }: Account<Raw, Raw>): string {
  const named = typeof params === 'object' && params !== null ? Object.entries(params) : [];
  const moved = named.map(([name, value]) => [name, isUrl(value) ? 'http://any' : value]);
  const base = URL.parse(baseUrl({ params: Object.fromEntries(moved), grant }));
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

const isAsked = (asked: Asked | undefined): boolean => asked !== undefined && knowsParents(asked);

/** What two streams ask in the same words cannot be told apart, so neither could get its own answer. */
function refuseTwin({ name, questions }: StreamModel, all: readonly Question[]): void {
  const examples = questions.flatMap(({ forms }) => forms.map(({ example }) => example));
  const twin = all.find(
    ({ stream, forms }) => stream !== name && forms.some(({ read }) => examples.some((one) => isAsked(read(one)))),
  );
  if (twin === undefined) return;
  throw new SimulatorRefusal(`Stream "${name}": its "request" cannot be told from that of stream "${twin.stream}".`);
}
