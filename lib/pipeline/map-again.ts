import { readJson } from '../core/json.ts';
import type { Reason } from '../core/judge.ts';
import type { SyncRef } from '../core/tasks.ts';
import type { Invocation } from './invocation.ts';
import type { Exchange } from './keep-answer.ts';
import type { Item } from './ports.ts';
import { type PageContent, readRecords } from './read-records.ts';
import { type Leaf, readTree } from './read-tree.ts';
import { listed } from './slices.ts';
import { quarantineOf } from './store-part.ts';
import { type Part, phaseOf } from './sync-state.ts';

/**
 * What was quarantined is mapped again once the connector is mended, and nobody asks the API for it: a phase of its own walks over the
 * parts that have such records, in the order of their keys, and stores what now fits, and what still does not, as parts that take their place.
 */
export async function mapAgainNode(invocation: Invocation, ref: SyncRef, phase: number): Promise<Item | undefined> {
  const sources = await quarantined(invocation, ref, phase);
  return sources.length === 0 ? undefined : { kind: 'chain', maps: true, step: 0, from: 0, to: 0 };
}

type Source = { readonly place: string; readonly leaf: Leaf; readonly part: Part };

async function quarantined(invocation: Invocation, ref: SyncRef, phase: number): Promise<Source[]> {
  const { leaves } = await readTree(invocation, ref, phase);
  return [...leaves]
    .flatMap(([place, leaf]) =>
      leaf.parts.filter((part) => part.quarantined > 0).map((part) => ({ place, leaf, part })),
    )
    .sort((a, b) => (a.part.key < b.part.key ? -1 : 1));
}

export type MappedAgain = { readonly content: PageContent; readonly last: boolean } | { readonly reason: Reason };

/** Maps the records again that one part quarantined. `step`: which part, of those that an earlier phase left. */
export async function mapAgain(invocation: Invocation, ref: SyncRef, path: string, step: number): Promise<MappedAgain> {
  const sources = await quarantined(invocation, ref, phaseOf(path) - 1);
  const source = sources[step];
  if (source === undefined) return { reason: { code: 'no-quarantine', message: 'there is nothing left to map again' } };
  const { place, leaf, part } = source;
  const body = await invocation.objects.get(quarantineOf(part.key));
  if (body === undefined)
    return { reason: { code: 'no-quarantine', message: `the quarantined records of ${part.key} are no longer kept` } };
  const kept = (await invocation.gunzip(body))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readJson(line));
  const exchange = unasked(invocation);
  const pages = [...Map.groupBy(kept, ({ page }) => Number(page))].flatMap(([index, lines]) => {
    const page = {
      reply: { status: 200, header: () => undefined, body: undefined },
      ...{ records: lines.map(({ record }) => record), total: undefined, estimate: undefined, empty: false, url: '' },
      ...{ answeredAt: part.answeredAt, ambiguous: new Map(), exchange },
    };
    const content = readRecords(page, index, {
      listed: listed(invocation, ref, leaf.node),
      mode: 'permissive',
      overlaps: false,
    });
    return 'code' in content ? [] : content;
  });
  const highest = pages.flatMap((page) => page.highest ?? []);
  return {
    last: step === sources.length - 1,
    content: {
      index: step,
      // The pages that they came on were counted when they came.
      ...{ fetched: 0, repeated: 0, first: '', last: '', total: undefined, estimate: undefined, lowest: undefined },
      ...{ answeredAt: part.answeredAt, exchange },
      lines: pages.flatMap(({ lines }) => lines),
      quarantined: pages.flatMap((page) => page.quarantined),
      departures: pages.flatMap(({ departures }) => departures),
      keys: pages.flatMap(({ keys }) => keys),
      highest: highest.length === 0 ? undefined : Math.max(...highest),
      instead: { place, part: part.key },
    },
  };
}

const unasked = ({ connector }: Invocation): Exchange => ({
  ...{ request: '', asked: '', answer: undefined, status: undefined, requests: 0, evidence: () => '' },
  redaction: { secrets: [], paths: connector.redact },
});
