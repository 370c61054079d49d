import { hash } from 'node:crypto';
import { cutText, LONGEST_PATH } from '../../core/bounds.ts';
import type { SchemaChange } from '../../core/verdict/receipt.ts';
import { type SyncContext, workerCache } from '../invocation.ts';
import { expiryOf, schemaDriftKey } from '../store/sync-keys.ts';
import { schemaDriftState } from '../store/sync-state.ts';
import type { PageContent } from './read-records.ts';

/** How many departures from the schema one worker writes down, and a receipt names. */
const NAMED = 50;

/** Of how many syncs a worker knows what it has written down; one that it has forgotten is written down again, to no effect. */
const SYNCS = 1_000;
const noted = workerCache(() => new Map<string, Set<string>>());

/** Writes down how records depart from their schema: each kind once in a sync, with a sample and the page that showed it first. */
export async function noteSchemaDrift(context: SyncContext, pages: readonly PageContent[]): Promise<void> {
  if (pages.every(({ departures }) => departures.length === 0)) return;
  const { connector, syncs, clock } = context;
  const sync = `${context.ref.connection}/${context.ref.stream}/${context.ref.sync}`;
  const known = noted(context).get(sync) ?? new Set<string>();
  noted(context).set(sync, known);
  const [oldest] = noted(context).keys();
  if (noted(context).size > SYNCS && oldest !== undefined) noted(context).delete(oldest);
  for (const { index, departures } of pages) {
    for (const { path, change, sample } of departures) {
      const kind = hash('sha256', `${path} ${change}`).slice(0, 16);
      if (known.has(kind) || known.size >= NAMED) continue;
      known.add(kind);
      await syncs.create(schemaDriftKey(connector.name, context.ref, kind), {
        ...{ path: cutText(path, LONGEST_PATH), change, sample, page: index },
        ...expiryOf(clock.now()),
      });
    }
  }
}

/** The departures that a sync met, by the page that showed each first. */
export async function readSchemaDrift({ syncs, connector, ref }: SyncContext): Promise<SchemaChange[]> {
  const { pk, sk } = schemaDriftKey(connector.name, ref);
  const found: SchemaChange[] = [];
  for await (const item of syncs.query(pk, sk)) found.push(schemaDriftState.parse(item));
  return found.sort((a, b) => a.page - b.page || (a.path < b.path ? -1 : 1)).slice(0, NAMED);
}
