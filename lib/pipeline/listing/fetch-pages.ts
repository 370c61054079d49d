import { exceedsReadLimit, keepsWindow } from '../../core/listing/slice.ts';
import { atNode, type Invocation } from '../invocation.ts';
import { holdMemory } from '../limits/memory-budget.ts';
import { requestsOf } from '../requests/fetched-page.ts';
import { readNode } from '../store/node.ts';
import { parentOf } from '../store/sync-keys.ts';
import { type Block, tailOf } from '../store/sync-state.ts';
import { allDone, attemptOf, mustRunIsolated, type TaskOutcome, wasRedelivered } from '../tasks/outcome.ts';
import { sendIsolated } from '../tasks/send-tasks.ts';
import {
  REFUSED_PAGE_STATUSES,
  type Replacement,
  readLimitOf,
  replaceListing,
  splitWindow,
} from '../tree/replace-listing.ts';
import { advanceNode } from '../tree/tree.ts';
import { concludePages } from './conclude-pages.ts';
import { dropRepeatedTail, fetchOutcomes } from './page-outcomes.ts';
import {
  type BlockRun,
  beginReading,
  decidePageRefusal,
  PAGE_PATIENCE,
  type PageOutcome,
  type PagesTask,
  type PreparedContext,
} from './reading.ts';
import { reportBack } from './report-back.ts';

/** Fetches the pages of some tasks of one block, commits them together, and says what becomes of each message. */
export async function fetchPages(
  prepared: PreparedContext,
  received: readonly PagesTask[],
): Promise<Map<string, TaskOutcome>> {
  const [first] = received;
  if (first === undefined) return new Map();
  const { node: path } = first.task;
  const context = atNode(prepared, path);
  const block = await readNode(context);
  const up = parentOf(path);
  const listing = up && (await readNode(atNode(context, up.parent)));
  if (block?.kind === 'block' && listing?.kind === 'group' && up !== undefined) {
    // Others are listed in this listing's place. The worker that put them there may have died of it.
    await advanceNode(atNode(context, up.parent), listing, true); // R33
    return allDone(received);
  }
  if (block?.kind !== 'block' || listing?.kind !== 'listing') return allDone(received);

  const tasks = ownerOfPages(received, block);
  const how = { node: listing, patience: PAGE_PATIENCE, asks: tasks.size > 0 };
  using holding = holdMemory(context);
  const run: BlockRun = { ...(await beginReading(context, how)), block, listing, tasks, holding };
  if (mustRunIsolated(first) && tasks.size > 1) return splitUp(context, first, tasks.keys()); // R41
  const outcomes = await dropRepeatedTail(run, await fetchOutcomes(run));
  const instead = listedInstead(run, outcomes);
  if (instead !== undefined && up !== undefined) {
    const requests = requestsOf(
      [...outcomes.values()].map((each) => (each.is === 'content' ? each.content : each.refusal)),
    );
    await replaceListing(
      atNode(context, up.parent),
      { node: listing, of: run.listed.of, block: up.name, requests },
      instead,
    );
    return allDone(received);
  }
  const heal = received.some((each) => wasRedelivered(context, each)) || tasks.size === 0;
  const after = await concludePages(run, outcomes);
  await advanceNode(context, after, heal); // R9
  return reportBack(run, received, outcomes);
}

/** One of these pages may be what kills: each gets a task of its own, so that it takes no neighbour with it. */
async function splitUp(
  invocation: Invocation,
  each: PagesTask,
  pages: Iterable<number>,
): Promise<Map<string, TaskOutcome>> {
  const attempts = attemptOf(each) - 1;
  const tasks = [...pages].map((page) => ({ ...each.task, from: page, to: page, attempts }));
  await sendIsolated(invocation, tasks);
  return new Map([[each.id, 'done']]);
}

/** Each open page that a task asks for, once, with a task that does. */
function ownerOfPages(received: readonly PagesTask[], block: Block): Map<number, PagesTask> {
  const owners = new Map<number, PagesTask>();
  for (const each of received) {
    for (let page = each.task.from; page <= each.task.to; page++)
      if (block.open.has(String(page))) owners.set(page, each);
  }
  return owners;
}

/** What APIs give for a page that they do not let be read, if they do not refuse it. */
const BEYOND: ReadonlySet<string> = new Set(['empty-page', 'repeated-page']);

/**
 * Whether other slices have to be listed in this one's place: it is longer than the API lets be read, by what the first page tells or by how a
 * later page is refused.
 */
function listedInstead(run: BlockRun, outcomes: ReadonlyMap<number, PageOutcome>): Replacement | undefined {
  const { tasks } = run;
  const narrower = run.block.look ? undefined : splitWindow(run.listed, run.listing);
  if (narrower === undefined) return undefined;
  const first = outcomes.get(0);
  if (first?.is === 'content') {
    const { total, estimate, fetched } = first.content;
    const length = { stated: total ?? estimate, read: fetched, endsFull: false };
    return exceedsReadLimit(readLimitOf(run.listed, run.sync), length) && keepsWindow(run.listed.slice, first.content)
      ? narrower
      : undefined;
  }
  const beyond = [...outcomes].filter(([index, outcome]) => {
    const task = tasks.get(index);
    if (outcome.is !== 'refused' || index === 0 || task === undefined) return false;
    const { refusal } = outcome;
    const refused = REFUSED_PAGE_STATUSES.has(refusal.exchange?.status ?? 0) || BEYOND.has(refusal.reason.code);
    return refused && decidePageRefusal(run, task, refusal).is === 'final';
  });
  if (beyond.length === 0) return undefined;
  const { paging } = run.listed.stream;
  const size = run.listing.size ?? ('size' in paging ? paging.size : 1);
  const tail = tailOf(run.block) ?? { first: 0, offset: 0 };
  return { ...narrower, limit: tail.offset + (Math.min(...beyond.map(([index]) => index)) - tail.first) * size };
}
