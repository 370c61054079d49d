import type { Connector } from '../lib/core/connector.ts';
import { DAY, HOUR, MINUTE, span } from '../lib/core/time.ts';
import { BETWEEN_CHANGES } from '../lib/simulator/dates.ts';
import { type Model, modelOf } from '../lib/simulator/model.ts';
import { SimulatorRefusal } from '../lib/simulator/refusal.ts';
import { alone, forebearsOf, type Scale, scaled } from '../lib/simulator/scaled.ts';
import { type Facts, factsOf, hasPages, SWITCHES, type Switch } from '../lib/simulator/switches.ts';
import type { Trouble } from '../lib/simulator/trouble.ts';
import { wordsOf } from '../lib/simulator/words.ts';
import { UsageError } from './usage-error.ts';

/** One sync of one stream, from an API that does one thing. */
export type Rehearsal = {
  /** Each has a connection of its own, and so an account, a meter and a token. */
  readonly connection: string;
  readonly stream: string;
  /** What the API does: the end of a sentence that begins with "It". */
  readonly what: string;
  readonly model: Model;
  readonly facts: Facts;
  readonly does: Switch;
  readonly trouble: Trouble;
};

export type Plan = {
  readonly scale: Scale;
  readonly rehearsals: readonly Rehearsal[];
  /** Rules for which the simulator finds no answer that they hold for, by their place: they are not rehearsed. */
  readonly unspoken: readonly string[];
};

/** `records`: how many the API has of each stream. `now`: epoch milliseconds. */
export type Circumstances = { readonly params: object; readonly records: number; readonly now: number };

/** How many pages the records make, about: so many that there is a middle, and the last one is not full. */
const PAGES = 6;
/** How many children a parent has, about, where there are many. */
const CHILDREN = 1_000;
const FEWEST_PARENTS = 3;

/** What is to be rehearsed. Throws a {@link UsageError} where the simulator cannot play the API of a stream. */
export function planRehearsals(
  connector: Connector,
  streams: readonly string[],
  { params, records, now }: Circumstances,
): Plan {
  const parents = Math.max(FEWEST_PARENTS, Math.floor(records / CHILDREN));
  const scale: Scale = {
    size: Math.ceil(records / PAGES),
    together: Math.max(2, Math.floor(parents / 2)),
    starts: Object.fromEntries(
      Object.keys(connector.streams).map((name) => [name, startOf(connector, name, { records, now })]),
    ),
  };
  const small = scaled(connector, scale);
  const { words, unspoken } = wordsOf(connector.errors);
  const rehearsals = streams.flatMap((stream) => {
    const counts = forebearsOf(connector, stream).map((name) => [name, parents]);
    const model = played(alone(small, stream), {
      params: originsOf(params),
      records: { ...Object.fromEntries(counts), [stream]: records },
    });
    const facts = factsOf(model, stream, words);
    return Object.entries(SWITCHES)
      .filter(([, { of = hasPages }]) => of(facts))
      .map(([what, does]) => ({ stream, what, model, facts, does, trouble: { stream, ...does.trouble(facts) } }));
  });
  return { scale, unspoken, rehearsals: rehearsals.map((each, at) => ({ connection: `rehearsal-${at}`, ...each })) };
}

/** Not long ago, so that what is cut into slices has few of them, and early enough for all records to lie before now. */
function startOf(
  { streams }: Connector,
  name: string,
  { records, now }: Pick<Circumstances, 'records' | 'now'>,
): string {
  const { slices } = streams[name] ?? {};
  const width = slices === undefined ? HOUR : span(slices.width);
  const grain = width < HOUR ? MINUTE : DAY;
  const start = now - records * BETWEEN_CHANGES - 2 * width;
  return new Date(Math.floor(start / grain) * grain).toISOString();
}

function played(connector: Connector, options: Parameters<typeof modelOf>[1]): Model {
  try {
    return modelOf(connector, options);
  } catch (error) {
    if (!(error instanceof SimulatorRefusal)) throw error;
    throw new UsageError(
      `The simulator cannot play this API. ${error.message} Other streams can be rehearsed with --stream.`,
    );
  }
}

/** A parameter that is a URL is the API's own, and the simulator has no path there. */
const originsOf = (params: object): object =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      const url = typeof value === 'string' && /^https?:/.test(value) ? URL.parse(value) : null;
      return [name, url === null ? value : url.origin];
    }),
  );
