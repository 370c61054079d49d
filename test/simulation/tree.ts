import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as z from 'zod';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import { parentOf } from '../../lib/pipeline/store/sync-keys.ts';
import { type Node, nodeState, streamState, syncState } from '../../lib/pipeline/store/sync-state.ts';
import { storedLines } from '../memory/stored-lines.ts';
import type { Violation } from './invariants.ts';
import { KNOWN } from './known-trees.ts';
import { type Run, runSchedule, type Schedule, schedules } from './schedule.ts';
import { rowsOf, type Shape, shapes } from './shapes.ts';

/** The completion tree always closes, exactly once, with exact counts: whatever its shape, and whatever befalls those who read it. */

/**
 * One case, drawn from a seed; those of the first seeds are known. What breaks is shrunk to the few things that had to go wrong, unless `shrinks` says that it is enough to know. `trace`:
 * hears what happens in the case it shrinks to.
 */
export async function simulateTree(seed: number, trace?: (line: string) => void, shrinks = true): Promise<Violation[]> {
  const [, ofShape, ofSchedule] = KNOWN[seed] ?? [];
  const broken = await fc.check(
    fc.asyncProperty(
      ofShape ? fc.constant(ofShape) : shapes,
      ofSchedule ? fc.constant(ofSchedule) : schedules,
      (shape, schedule) => checkTree(shape, schedule),
    ),
    { seed, numRuns: 1, endOnFailure: !shrinks },
  );
  if (!broken.failed || broken.counterexample === null) return [];
  const [shape, schedule] = broken.counterexample;
  if (trace !== undefined) await runSchedule(shape, schedule, trace);
  const { errorInstance } = broken;
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return [{ invariant: 'the tree', what: `${why}\n${JSON.stringify(shape)}\n${JSON.stringify(schedule)}` }];
}

/** Runs a case; throws what it breaks, with what befell it. */
export async function checkTree(shape: Shape, schedule: Schedule): Promise<void> {
  const run = await runSchedule(shape, schedule);
  try {
    await checkClosed(run);
    checkReceipts(run, await revisionOf(run));
  } catch (error) {
    throw new Error([error instanceof Error ? error.message : String(error), ...run.befell].join('\n  '));
  }
}

const PARTITION = 'test/main#rows';

async function syncOf({ ports }: Run) {
  const found = await Array.fromAsync(ports.syncs.query(PARTITION, 'SYNC#'));
  assert.equal(found.length, 1, 'one sync');
  return syncState.parse(found[0]);
}

const revisionOf = async (run: Run): Promise<number> => (await syncOf(run)).revision;

/** Nothing is open anywhere, and each revision was closed once. */
async function checkClosed(run: Run): Promise<void> {
  const { ports, end, live, closed } = run;
  assert.equal(end, 'done', 'the run does not come to rest');
  assert.equal(live, 0, 'a sync is open for ever');
  const stream = streamState.parse((await ports.syncs.get({ pk: PARTITION, sk: 'STREAM' })) ?? {});
  assert.equal(stream.current, undefined, 'the stream is not freed');
  const { status, revision, at } = await syncOf(run);
  assert.deepEqual([status, closed], ['closed', revision], 'each revision is closed once');
  const nodes = new Map<string, Node>();
  const prefix = `NODE#${at.replace(/[-:.]/g, '')}#`;
  for await (const { sk, ...item } of ports.syncs.query(PARTITION, prefix))
    nodes.set(sk.slice(prefix.length), nodeState.parse(item));
  for (const [path, node] of nodes) {
    if (node.kind === 'chain') assert.notEqual(node.ended, undefined, `${path} has not ended`);
    else assert.deepEqual(openIn(nodes, path, node), [], `${path} has something open`);
  }
}

/**
 * What of a node is open. Not of a block in whose listing's place others are listed; nor pages of one that was put by somebody who came too late: the
 * listing had ended, or they are in another block.
 */
function openIn(nodes: ReadonlyMap<string, Node>, path: string, node: Exclude<Node, { kind: 'chain' }>): string[] {
  if (node.kind !== 'block') return [...node.open];
  const { parent = '' } = parentOf(path) ?? {};
  const listing = nodes.get(parent);
  if (listing?.kind !== 'listing') return [];
  const isElsewhere = (page: string): boolean =>
    [...nodes].some(([other, each]) => {
      const up = parentOf(other);
      if (other === path || each.kind !== 'block' || up?.parent !== parent || each.open.has(page)) return false;
      const [from = 0, to = 0] = up.name.split('-').map(Number);
      return from <= Number(page) && Number(page) <= to;
    });
  return [...node.open].filter((page) => Number(page) < listing.covered && !isElsewhere(page));
}

/** One receipt for each revision; the last one has every record of the API, once. */
function checkReceipts(run: Run, revisions: number): void {
  const { shape, schedule, events, requests, befell } = run;
  const receipts = receiptsOf(run);
  const expected = Array.from({ length: revisions }, (_, i) => i + 1);
  assert.deepEqual(
    receipts.map(({ revision }) => revision),
    expected,
    'one receipt for each revision',
  );
  // Only what the API refused is asked for again.
  if (shape.broken.length === 0) assert.equal(revisions, 1, JSON.stringify(receipts[0]?.reasons));
  const wanted = rowsOf(shape)
    .map(({ id }) => id)
    .sort(ascending);
  for (const receipt of receipts) {
    const said = events.published.filter(
      ({ detail }) => announced.parse(JSON.parse(detail)).revision === receipt.revision,
    );
    assert.equal(
      new Set(said.map(({ detail }) => detail)).size,
      1,
      `what is announced of revision ${receipt.revision}`,
    );
    checkCounts(run, receipt, new Set(wanted));
  }
  const last = receipts.at(-1);
  assert.ok(last);
  const { verdict, reasons, pages } = last;
  // Where nothing says how many there are, and pages are only numbered, an end is inferred. Who has no time left for the count does without.
  const counted = shape.asks === 'count' && befell.length === 0;
  const inferred = shape.paging === 'endless pages' && !counted && verdict === 'UNKNOWN';
  if (!inferred) assert.equal(verdict, 'COMPLETE', JSON.stringify(reasons));
  assert.deepEqual(
    reasons.map(({ code }) => code),
    inferred ? ['end-inferred'] : [],
  );
  assert.deepEqual(deliveredBy(run, last).sort(ascending), wanted, 'each record once');
  assert.deepEqual([pages.failed, pages.fetched], [0, pages.planned], 'pages');
  // What nobody came to write down is not counted; what an SDK sends twice is counted once.
  const { sent } = last.requests;
  assert.ok(sent <= requests, `${sent} requests are counted, ${requests} were sent`);
  if (befell.length === 0 && schedule.workers === 1) assert.equal(sent, requests, 'requests');
}

/** What a receipt says is what its manifest lists, and neither a page nor a record is there twice. */
function checkCounts(run: Run, receipt: Receipt, wanted: ReadonlySet<number>): void {
  const ids = deliveredBy(run, receipt);
  const { delivered, fetched, quarantined, repeated } = receipt.records;
  const context = `revision ${receipt.revision}`;
  assert.deepEqual([delivered, quarantined, fetched], [ids.length, 0, ids.length + repeated], `records of ${context}`);
  assert.equal(new Set(ids).size, ids.length, `a record is twice in ${context}`);
  assert.ok(new Set(ids).isSubsetOf(wanted), `${context} has records that are none`);
  const pages = manifestOf(run, receipt).flatMap((line) => line.pages.map((page) => `${line.slice} ${page}`));
  assert.equal(new Set(pages).size, pages.length, `a page is twice in ${context}`);
}

const announced = z.object({ revision: z.number() });
const manifestLine = z.object({ key: z.string(), pages: z.array(z.number()), slice: z.string().default('') });
const record = z.object({ id: z.number() });

const receiptsOf = ({ objects }: Run): Receipt[] =>
  [...objects.stored]
    .filter(([key]) => key.endsWith('/receipt.json'))
    .map(([, { body }]) => receiptSchema.parse(JSON.parse(new TextDecoder().decode(body))))
    .sort((a, b) => a.revision - b.revision);

const manifestOf = (run: Run, { manifest }: Receipt) =>
  storedLines(run.objects, manifest).map((line) => manifestLine.parse(line));

const deliveredBy = (run: Run, receipt: Receipt): number[] =>
  manifestOf(run, receipt).flatMap(({ key }) => storedLines(run.objects, key).map((line) => record.parse(line).id));

const ascending = (a: number, b: number): number => a - b;
