import type { Connector } from '../../lib/core/connector/connector.ts';
import { DAY, HOUR, MINUTE, SECOND, span } from '../../lib/core/time.ts';
import { BETWEEN_CHANGES } from '../../lib/simulator/dates.ts';
import { type Model, modelOf } from '../../lib/simulator/model.ts';
import { SimulatorRefusal } from '../../lib/simulator/refusal.ts';
import { resolutionOf } from '../../lib/simulator/resolution.ts';
import { alone, ancestorsOf, type Scale, scaled } from '../../lib/simulator/scaled.ts';
import { type Facts, factsOf, hasPages, SWITCHES, type Switch } from '../../lib/simulator/switches.ts';
import type { Trouble } from '../../lib/simulator/trouble.ts';
import { wordsOf } from '../../lib/simulator/words.ts';
import { UsageError } from './errors.ts';

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
  /** How many the API has of each stream. */
  readonly records: number;
  readonly rehearsals: readonly Rehearsal[];
  /** Rules for which the simulator finds no answer that they hold for, by their place: they are not rehearsed. */
  readonly unspoken: readonly string[];
};

/** `records`: how many the API has of each stream. `only`: parts of what the API is to do; none: all. `now`: epoch milliseconds. */
export type Circumstances = {
  readonly params: object;
  readonly records: number;
  readonly only: readonly string[];
  readonly now: number;
};

/** How many pages the records make, about: so many that there is a middle, and the last one is not full. */
const PAGES = 6;
/** How many children a parent has, about, where there are many. */
const CHILDREN = 1_000;
const FEWEST_PARENTS = 3;

/** What is to be rehearsed. Throws a {@link UsageError} where the simulator cannot play the API of a stream. */
export function planRehearsals(
  connector: Connector,
  streams: readonly string[],
  { params, records, only, now }: Circumstances,
): Plan {
  const parents = Math.max(FEWEST_PARENTS, Math.floor(records / CHILDREN));
  const scale: Scale = {
    size: Math.ceil(records / PAGES),
    together: Math.max(2, Math.floor(parents / 2)),
    ...windowsOf(connector, streams, { records, now }),
  };
  const small = scaled(connector, scale);
  const { words, unspoken } = wordsOf(connector.errors);
  const rehearsals = streams.flatMap((stream) => {
    const counts = ancestorsOf(connector, stream).map((name) => [name, parents]);
    const model = played(alone(small, stream), {
      params: originsOf(params),
      records: { ...Object.fromEntries(counts), [stream]: records },
    });
    const facts = factsOf(model, stream, words);
    return Object.entries(SWITCHES)
      .filter(
        ([what, { of = hasPages }]) => of(facts) && (only.length === 0 || only.some((part) => what.includes(part))),
      )
      .map(([what, does]) => ({ stream, what, model, facts, does, trouble: { stream, ...does.trouble(facts) } }));
  });
  if (rehearsals.length === 0)
    throw new UsageError(
      `--only ${only.join(', ')} leaves nothing to rehearse. An API does this: ${Object.keys(SWITCHES).join('; ')}.`,
    );
  return {
    scale,
    records,
    unspoken,
    rehearsals: rehearsals.map((each, at) => ({ connection: `rehearsal-${at}`, ...each })),
  };
}

/**
 * Windows that begin not long ago, and slices that are not much wider than all records together: so there are few, and they are soon cut to the least
 * width. All records lie well before now. Where dates are told by the day, nothing is narrower than it is declared.
 */
function windowsOf(
  connector: Connector,
  streams: readonly string[],
  { records, now }: Pick<Circumstances, 'records' | 'now'>,
): Pick<Scale, 'starts' | 'widths'> {
  const length = records * BETWEEN_CHANGES;
  const all = new Set(streams.flatMap((name) => [name, ...ancestorsOf(connector, name)]));
  const windows = [...all].map((name) => {
    const { slices } = connector.streams[name] ?? {};
    const grain = resolutionOf(played(alone(connector, name), { records: 2 }), name) > MINUTE ? DAY : MINUTE;
    const least = slices === undefined ? HOUR : span(slices.least);
    const fit = grain === DAY ? DAY : least * Math.ceil(length / least);
    const width = slices === undefined ? least : Math.min(span(slices.width), Math.max(fit, grain));
    const start = Math.floor((now - length - 2 * Math.max(width, grain)) / grain) * grain;
    return { name, start: new Date(start).toISOString(), width: `${width / SECOND} seconds` as const };
  });
  return {
    starts: Object.fromEntries(windows.map(({ name, start }) => [name, start])),
    widths: Object.fromEntries(windows.map(({ name, width }) => [name, width])),
  };
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
