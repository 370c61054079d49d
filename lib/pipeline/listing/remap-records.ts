import { readJson } from '../../core/response/json.ts';
import type { Reason } from '../../core/response/judge.ts';
import type { Invocation } from '../invocation.ts';
import { type NodeContext, type SyncContext, workerCache } from '../invocation.ts';
import type { Item } from '../ports.ts';
import { duplicateNamesIn, type PageContent, readRecords } from '../records/read-records.ts';
import { quarantineKey } from '../records/store-part.ts';
import type { KeptExchange } from '../requests/keep-answer.ts';
import { listedSlice } from '../store/slices.ts';
import { phaseOf } from '../store/sync-keys.ts';
import type { Part } from '../store/sync-state.ts';
import { readTrees, type TreeListing } from '../tree/read-tree.ts';

/**
 * What was quarantined is mapped again once the connector is mended, and the API is not asked for it: a phase of its own walks over the
 * parts that have such records, in the order of their keys, and stores what now fits, and what still does not, as parts that take their place.
 */
export async function remapNodeItem(context: SyncContext, phase: number): Promise<Item | undefined> {
  const sources = await quarantined(context, phase);
  return sources.length === 0 ? undefined : { kind: 'chain', maps: true, step: 0, from: 0, to: 0 };
}

type Source = { readonly place: string; readonly node: TreeListing['node']; readonly part: Part };

/** Those of the phase that was asked for last: a closed tree does not change. */
const lastFound = workerCache<{ of: string; sources: readonly Source[] }>(() => ({ of: '', sources: [] }));

async function quarantined(context: SyncContext, phase: number): Promise<readonly Source[]> {
  const last = lastFound(context);
  const of = JSON.stringify([context.ref, phase]);
  if (last.of === of) return last.sources;
  const sources: Source[] = [];
  for await (const { leaves } of readTrees(context, phase))
    for (const [place, { node, parts }] of leaves)
      for (const part of parts) if (part.of === undefined && part.quarantined > 0) sources.push({ place, node, part });
  sources.sort((a, b) => (a.part.key < b.part.key ? -1 : 1));
  Object.assign(last, { of, sources });
  return sources;
}

export type RemappedPart = { readonly content: PageContent; readonly last: boolean } | { readonly reason: Reason };

/** Maps the records again that one part quarantined. `step`: which part, of those that an earlier phase left. */
export async function remapPart(context: NodeContext, step: number): Promise<RemappedPart> {
  const sources = await quarantined(context, phaseOf(context.path) - 1);
  const source = sources[step];
  if (source === undefined) return { reason: { code: 'no-quarantine', message: 'there is nothing left to map again' } };
  const { place, node, part } = source;
  const body = await context.objects.get(quarantineKey(part.key));
  if (body === undefined)
    return { reason: { code: 'no-quarantine', message: `the quarantined records of ${part.key} are no longer kept` } };
  const kept = (await context.gunzip(body))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readJson(line));
  const exchange = unasked(context);
  const pages = [...Map.groupBy(kept, ({ page }) => Number(page))].flatMap(([index, lines]) => {
    const page = {
      reply: { status: 200, header: () => undefined, body: undefined },
      ...{ records: lines.map(({ record }) => record), total: undefined, estimate: undefined, empty: false, url: '' },
      // What could not be read of it then is not there to be read now.
      ambiguous: new Map(lines.flatMap(({ record, departures }) => duplicateNamesIn(departures, record))),
      ...{ lag: 0, exchange },
    };
    const content = readRecords(page, index, {
      listed: listedSlice(context, node),
      mode: 'permissive',
      overlaps: false,
      startedAt: node.to,
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
      exchange,
      lines: pages.flatMap(({ lines }) => lines),
      quarantined: pages.flatMap((page) => page.quarantined),
      departures: pages.flatMap(({ departures }) => departures),
      keys: pages.flatMap(({ keys }) => keys),
      quarantinedKeys: pages.flatMap((page) => page.quarantinedKeys),
      keySet: '',
      doubts: [],
      highest: highest.length === 0 ? undefined : Math.max(...highest),
      instead: { place, part: part.key },
    },
  };
}

const unasked = ({ connector }: Invocation): KeptExchange => ({
  ...{ request: '', asked: '', answer: undefined, status: undefined, requests: 0, keptText: () => '' },
  redaction: { secrets: [], paths: connector.redact },
});
