import { readFirstPage } from '../../core/listing/listing.ts';
import { keepsWindow } from '../../core/listing/slice.ts';
import { atNode } from '../invocation.ts';
import { logEvent } from '../log-event.ts';
import type { PageContent } from '../records/read-records.ts';
import { setPageAside } from '../records/set-aside.ts';
import { bufferedBytes, PART_BYTES, storePart } from '../records/store-part.ts';
import { requestsOf } from '../requests/fetched-page.ts';
import { updateNode } from '../store/node.ts';
import { expiryOf, parentOf, partKey } from '../store/sync-keys.ts';
import type { Block } from '../store/sync-state.ts';
import { attemptOf } from '../tasks/outcome.ts';
import { failPage } from '../tree/tree.ts';
import { type BlockRun, decidePageRefusal, type PageOutcome } from './reading.ts';
import { noteRefusals } from './refused-pages.ts';

/** Writes down what was fetched, what failed for good and what was counted; gives the block as it then stands. */
export async function concludePages(run: BlockRun, outcomes: ReadonlyMap<number, PageOutcome>): Promise<Block> {
  const { block, tasks } = run;
  const contents = [...outcomes.values()].flatMap((each) => (each.is === 'content' ? each.content : []));
  let after = block;
  for (const portion of portionsBySize(contents)) {
    const { block: left, committed } = await commitPages(run, after, portion);
    if (!block.look) await noteExtent(run, committed); // R14
    after = left;
  }

  const refused = [...outcomes].flatMap(([page, each]) => {
    const task = tasks.get(page);
    if (each.is !== 'refused' || task === undefined) return [];
    return { page, task, refusal: each.refusal, is: decidePageRefusal(run, task, each.refusal).is };
  });
  const counts = await noteRefusals(
    run,
    refused.map(({ refusal }) => refusal),
  );
  const final = refused.filter(({ is }) => is === 'final');
  if (counts !== undefined) after = await countOn(run, after, { ...counts, retried: refused.length - final.length });
  for (const { page, refusal, task } of final) {
    // What was only to be compared is not missing.
    if (!block.look) await setPageAside(run, task.task, { page, refusal, attempts: attemptOf(task) }); // R13
    const failed = await failPage(run, page);
    if (failed.item?.kind === 'block') after = failed.item;
  }
  return after;
}

/**
 * Tells the listing what these pages show of its extent: how many pages the first one's total announces, and where a short page
 * was seen. Only a page that is committed says so: what a read that came to nothing saw may be long out of date. If who reads dies
 * before it, the worker that opens the next pages reads it from the part.
 */
async function noteExtent(run: BlockRun, contents: readonly PageContent[]): Promise<void> {
  const { paging } = run.listed.stream;
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return;
  const path = parentOf(run.path)?.parent ?? '';
  const first = contents.find(({ index }) => index === 0);
  const told = first && readFirstPage(paging, first);
  if (first !== undefined && told !== undefined) {
    const stray = keepsWindow(run.listed.slice, first) ? {} : { stray: true };
    // Only as long as nothing else is open: pages that were asked for by another size would not fit.
    await updateNode(atNode(run, path), { set: { told: true, ...told, ...stray } }, [{ equal: ['opened', 1] }]);
    if (told.announced !== undefined)
      logEvent(run, { message: 'planned', ...run.ref, pages: told.announced, records: first.total ?? 0 });
  }
  const size = (told ?? run.listing).size ?? paging.size;
  const short = contents.filter(({ fetched }) => fetched < size).map(({ index }) => index);
  if (short.length === 0) return;
  const end = Math.min(...short);
  if (run.listing.end !== undefined && run.listing.end <= end) return;
  await updateNode(atNode(run, path), { set: { end } }, [{ either: [{ absent: 'end' }, { greater: ['end', end] }] }]);
}

function portionsBySize(contents: readonly PageContent[]): PageContent[][] {
  const portions: PageContent[][] = [];
  for (const content of contents) {
    const last = portions.at(-1);
    if (last !== undefined && bufferedBytes(last) < PART_BYTES) last.push(content);
    else portions.push([content]);
  }
  return portions;
}

/**
 * Stores pages as a part and takes them out of the open set, in one write that holds only if all of them are open. Where
 * somebody was quicker with some of them, the rest is stored as a part of its own: no page is in two parts that count.
 */
async function commitPages(
  run: BlockRun,
  block: Block,
  contents: readonly PageContent[],
): Promise<{ block: Block; committed: readonly PageContent[] }> {
  const { ref, path } = run;
  const rest = contents.filter(({ index }) => block.open.has(String(index)));
  if (rest.length === 0) return { block, committed: [] };
  const part = await storePart(run, run.listed, rest);
  const key = partKey(run.connector.name, ref, `${path}@${part.id}`);
  await run.syncs.create(key, { ...part.item, ...expiryOf(run.clock.now()) });
  const pages = rest.map(({ index }) => String(index));
  const written = await updateNode(
    run,
    {
      ...{ delete: { open: new Set(pages) }, add: { parts: new Set([part.id]), requests: requestsOf(rest) } },
      set: { came: run.clock.now() },
    },
    pages.map((page) => ({ contains: ['open', page] })), // R1
  );
  if (written.item?.kind !== 'block') return { block, committed: [] };
  if (!written.ok) return commitPages(run, written.item, rest); // R2
  const records = rest.reduce((sum, { fetched }) => sum + fetched, 0);
  logEvent(run, { message: 'pages fetched', ...ref, pages: rest.length, records, look: block.look ?? false });
  return { block: written.item, committed: rest };
}

/** Counts requests that brought no page. */
async function countOn(run: BlockRun, block: Block, add: Readonly<Record<string, number>>): Promise<Block> {
  const written = await updateNode(run, { add });
  return written.item?.kind === 'block' ? written.item : block;
}
