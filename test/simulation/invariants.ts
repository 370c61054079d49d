import * as z from 'zod';
import { parseInstant } from '../../lib/core/dates.ts';
import { MICRO, resolveLimit } from '../../lib/core/limits/limits.ts';
import { HOUR, SECOND, span } from '../../lib/core/time.ts';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import { parentOf, phaseOf, placeOf } from '../../lib/pipeline/store/sync-keys.ts';
import { streamState, syncState } from '../../lib/pipeline/store/sync-state.ts';
import { storedLines, textOf } from '../memory/stored-lines.ts';
import { type Lived, LOOKBACK, PROOF, SECRET } from './practice-api.ts';
import { CONCURRENCY, VISIBILITY_SECONDS, type World } from './world.ts';

/** What must hold after every run, whatever the weather. Numbers are those of the design's list of invariants. */

export type Violation = { readonly invariant: string; readonly what: string };

type Row = z.output<typeof row> & { readonly slice: string };
type Sync = {
  readonly id: string;
  readonly receipt: Receipt;
  readonly rows: readonly Row[];
  readonly startedAt: number;
  readonly to: number;
  readonly phase: number;
  readonly superseded: boolean;
};

export async function violations(world: World): Promise<Violation[]> {
  const found: Violation[] = [];
  const broken = (invariant: string, what: string): void => void found.push({ invariant, what });

  if (world.end === 'too many events' || world.end === 'too much time')
    broken('5 everything ends', `the run ended by ${world.end}`);
  // A dead-lettered message is a lost one: without housekeeping nobody can make up for it.
  const hopeless = !world.weather.housekeeping && sumOf(world, ['messages dead-lettered']) > 0;
  if (world.open > 0 && !hopeless) broken('5 every sync ends', `${world.open} syncs are open for ever`);
  const syncs = await closedSyncs(world, broken);
  await checkStream(world, syncs, broken);
  for (const sync of syncs) {
    checkCounts(sync, broken);
    checkReading(sync, broken);
    checkRecords(world, sync, broken);
    checkFailures(world, sync, broken);
    if (sync.receipt.revision === 1) checkPatience(world, sync, broken);
    checkExcuses(world, sync, broken);
    checkLoss(world, sync, broken);
    if (sync.receipt.verdict === 'COMPLETE') world.tally.count(`COMPLETE by ${sync.receipt.evidence}`);
    else world.tally.count(sync.receipt.verdict);
  }
  checkSuperseded(world, syncs, broken);
  await checkEarlier(world, syncs, broken);
  await checkSentBack(world, broken);
  checkWatermark(world, syncs, broken);
  checkCost(world, syncs, broken);
  checkSecret(world, broken);
  checkRate(world, broken);
  checkHolds(world, broken);
  return found;
}

type Broken = (invariant: string, what: string) => void;

/** The syncs that were begun, each with its last receipt, the records it lists and the event that announced it. */
async function closedSyncs(world: World, broken: Broken): Promise<Sync[]> {
  const { stored } = world.objects;
  const syncs: Sync[] = [];
  for (const id of new Set(world.started)) {
    const keys = [...stored.keys()].filter((key) => key.includes(`/${id}/`) && key.endsWith('/receipt.json'));
    const item = await world.ports.syncs.get({ pk: 'sim/main#rows', sk: `SYNC#${id}` });
    const receipts = keys
      .map((key) => receiptSchema.parse(JSON.parse(textOf(world.objects, key))))
      .sort((a, b) => a.revision - b.revision);
    const receipt = receipts.at(-1);
    if (receipt === undefined || item === undefined) {
      if (world.open === 0) broken('5 every sync ends with a receipt', `sync ${id} has none`);
      continue;
    }
    const { startedAt, to, revision, status, phase, superseded } = syncState.parse(item);
    // A phase that only reads again what moved comes before the receipt.
    if (status === 'closed' && (receipts.length !== revision || receipt.revision !== revision))
      broken('5 one receipt for each revision', `sync ${id} has ${receipts.length} at revision ${revision}`);
    for (const { revision } of receipts) {
      if (!world.events.published.some(({ detail }) => announces(detail, id, revision)))
        broken('5 a receipt is announced', `sync ${id}, revision ${revision}, was not`);
    }
    const rows = rowsOf(world, receipt, broken);
    syncs.push({ id, receipt, rows, startedAt, to, phase, superseded: superseded !== undefined });
  }
  return syncs.sort((a, b) => (a.id < b.id ? -1 : 1));
}

const announced = z.object({ sync: z.string(), revision: z.number() });
function announces(detail: string, id: string, revision: number): boolean {
  const { success, data } = announced.safeParse(JSON.parse(detail));
  return success && data.sync === id && data.revision === revision;
}

/**
 * What a revision got, the next one has, too: unless its listing was begun again, or turned out to be longer than the API lets be read. Then all of it
 * is read anew, in the slices that a later phase lists in its place.
 */
async function checkEarlier(world: World, syncs: readonly Sync[], broken: Broken): Promise<void> {
  for (const { id, receipt } of syncs) {
    if (receipt.revision === 1) continue;
    world.tally.count(`revisions that are ${receipt.verdict}`);
    const keys = (manifest: string): string[] =>
      storedLines(world.objects, manifest).map((line) => manifestLine.parse(line).key);
    const kept = new Set(keys(receipt.manifest));
    const manifests = Array.from({ length: receipt.revision - 1 }, (_, i) =>
      receipt.manifest.replace(/\/\d+\/manifest/, `/${i + 1}/manifest`),
    );
    const lost = new Set(
      manifests
        .filter((key) => world.objects.stored.has(key))
        .flatMap((key) => keys(key).filter((each) => !kept.has(each))),
    );
    if (lost.size === 0) continue;
    const replaced = new Set<string>();
    for await (const { sk, kind } of world.ports.syncs.query('sim/main#rows', `NODE#${id}#`))
      if (kind === 'group' && phaseOf(pathIn(sk)) > 0) replaced.add(placeOf(pathIn(sk)));
    for await (const { sk, key, node } of world.ports.syncs.query('sim/main#rows', `PART#${id}#`)) {
      if (typeof key !== 'string' || typeof node !== 'string' || !lost.has(key)) continue;
      const place = placeOf(node);
      if (replaced.has(place) || replaced.has(parentOf(place)?.parent ?? ''))
        world.tally.count('listings replaced later');
      else broken('6 a phase only adds', `sync ${id}: revision ${receipt.revision} lacks ${sk} of an earlier one`);
    }
  }
}

const pathIn = (sk: string): string => sk.slice(sk.lastIndexOf('#') + 1);

/** Invariant 5: what is sent back is asked for again, unless it came meanwhile, a later sync got everything, or another one reads all of it anew. */
async function checkSentBack(world: World, broken: Broken): Promise<void> {
  const stream = await world.ports.syncs.get({ pk: 'sim/main#rows', sk: 'STREAM' });
  const { lastCommitted = '' } = streamState.parse(stream ?? {});
  if (sumOf(world, LOSSES) > 0 || world.open > 0) return;
  for (const task of world.sentBack) {
    if (task.kind !== 'pages' && task.kind !== 'chain') continue;
    const item = await world.ports.syncs.get({ pk: 'sim/main#rows', sk: `SYNC#${task.sync}` });
    const node = await world.ports.syncs.get({ pk: 'sim/main#rows', sk: `NODE#${task.sync}#${task.node}` });
    if (item === undefined || node === undefined) continue;
    const { failed, ended } = node;
    const stands =
      ended === 'failed' || (failed instanceof Set && task.kind === 'pages' && failed.has(String(task.from)));
    const { phase, superseded } = syncState.parse(item);
    if (stands && superseded === undefined && phase <= phaseOf(task.node) && lastCommitted <= task.sync)
      broken('5 what is sent back is asked for again', `sync ${task.sync}: ${task.node} was not`);
  }
}

const manifestLine = z.object({
  key: z.string(),
  records: z.number(),
  pages: z.array(z.number()),
  slice: z.string().default(''),
});
const row = z.object({
  id: z.number(),
  version: z.number(),
  fields: z.number().optional(),
  revision: z.number(),
});

function rowsOf(world: World, receipt: Receipt, broken: Broken): Row[] {
  const pages = new Set<string>();
  return storedLines(world.objects, receipt.manifest).flatMap((line) => {
    const part = manifestLine.parse(line);
    for (const page of part.pages) {
      // What moved is read again, and both readings are delivered.
      if (pages.has(`${part.slice} ${page}`) && receipt.movement.moved === 0 && receipt.checked.moved === 0)
        broken('6 a page counts once', `sync ${receipt.sync}: page ${page} is in two parts`);
      pages.add(`${part.slice} ${page}`);
    }
    const rows = storedLines(world.objects, part.key).map((each) => ({ ...row.parse(each), slice: part.slice }));
    if (rows.length !== part.records)
      broken('6 the manifest tells the truth', `part ${part.key} has ${rows.length} records, not ${part.records}`);
    return rows;
  });
}

/** What a slice's name says of its window. A record may be in two windows, and is known there; it cannot be known below two parents. */
const WINDOW = /(^|, )\S+Z to \S+Z$/;

function checkCounts({ receipt, rows, id }: Sync, broken: Broken): void {
  const { delivered, fetched, quarantined, repeated } = receipt.records;
  if (delivered !== rows.length)
    broken('6 exact counts', `sync ${id} says ${delivered} delivered, its parts hold ${rows.length}`);
  const again = rows.length - new Set(rows.map((each) => `${each.slice.replace(WINDOW, '')} ${each.id}`)).size;
  if (fetched !== delivered + quarantined + repeated - again)
    broken('6 exact counts', `sync ${id}: ${JSON.stringify(receipt.records)}, ${again} twice`);
}

/** A sync is read by one answer to its setup and, but for what a later phase reads again, by one revision of its connector. */
function checkReading({ id, rows, phase, superseded, receipt }: Sync, broken: Broken): void {
  const setups = new Set(rows.map(({ fields }) => fields));
  if (setups.size > 1) broken('a sync has one setup', `sync ${id} was read by ${setups.size}`);
  const revisions = new Set(rows.map(({ revision }) => revision));
  if (revisions.size > 1 && phase === 0)
    broken('a sync is read by one revision', `sync ${id} was read by ${[...revisions].join(' and ')}`);
  if (superseded && (rows.length > 0 || receipt.verdict !== 'INCOMPLETE'))
    broken('a superseded sync delivers nothing', `sync ${id} is ${receipt.verdict}, with ${rows.length} records`);
}

/** Whoever is superseded is followed by another, unless the message that says so was lost. */
function checkSuperseded(world: World, syncs: readonly Sync[], broken: Broken): void {
  const last = syncs.at(-1);
  const lost = sumOf(world, ['messages lost', 'messages dead-lettered']) > 0;
  if (last?.superseded === true && !lost)
    broken('5 what was superseded begins anew', `nothing followed sync ${last.id}`);
}

/** Evidence that must hold whatever moves. */
const PROVEN: ReadonlySet<Receipt['evidence']> = new Set(['overlap', 'key']);

/** Invariant 1: what stood in the window from before the first request until after the last one. */
function checkRecords(world: World, { receipt, rows, id, startedAt }: Sync, broken: Broken): void {
  const still = world.weather.churnEvery === undefined;
  if (receipt.verdict !== 'COMPLETE' || !(still || PROVEN.has(receipt.evidence))) return;
  const window = windowOf(world, receipt, startedAt);
  const finished = Date.parse(receipt.finishedAt) + world.weather.skew;
  const throughout = world.api.lives.filter(
    (lived) => lived.since <= startedAt - world.weather.skew && lived.until >= finished && window(lived),
  );
  const seen = new Set(rows.map((each) => `${each.id}/${each.version}`));
  const missing = throughout.filter((lived) => !seen.has(`${lived.id}/${lived.version}`));
  if (missing.length > 0) {
    broken(
      '1 COMPLETE is complete',
      `sync ${id} (${receipt.evidence}) lacks ${missing.length} of ${throughout.length} records, e.g. ${JSON.stringify(missing[0])}`,
    );
  }
  if (still && rows.length !== new Set(rows.map((each) => each.id)).size)
    broken('1 exactly once', `sync ${id} delivers records twice`);
}

function windowOf(world: World, receipt: Receipt, startedAt: number): (lived: Lived) => boolean {
  if (!world.incremental) return () => true;
  const before = parseInstant(receipt.watermark.before);
  const from = before === undefined ? 0 : before - LOOKBACK;
  const to = world.bounded ? startedAt - world.weather.skew : Number.POSITIVE_INFINITY;
  return ({ updated }) => updated >= from && updated < to;
}

/** Invariant 2: what the next sync would no longer ask for must have been delivered as it stands. */
function checkWatermark(world: World, syncs: readonly Sync[], broken: Broken): void {
  const still = world.weather.churnEvery === undefined;
  const mark = parseInstant(
    syncs
      .map(({ receipt }) => receipt.watermark.after ?? '')
      .sort()
      .at(-1),
  );
  const isProven = PROOF.has(world.kind) && world.declared.each?.by !== 'pages';
  if (!world.incremental || mark === undefined || !(still || isProven)) return;
  const seen = new Set(syncs.flatMap(({ rows }) => rows.map((each) => `${each.id}/${each.version}`)));
  const lost = world.api.lives.filter(
    (lived) =>
      lived.until === Number.POSITIVE_INFINITY &&
      lived.updated < mark - LOOKBACK &&
      !seen.has(`${lived.id}/${lived.version}`),
  );
  if (lost.length > 0)
    broken(
      '2 the watermark passes nothing',
      `${lost.length} records before ${new Date(mark - LOOKBACK).toISOString()} were never delivered, e.g. ${JSON.stringify(lost[0])}`,
    );
}

/** Invariant 5: each page that failed has a reason, and a message that can be sent back. */
function checkFailures(world: World, { receipt, id }: Sync, broken: Broken): void {
  const named = receipt.reasons.flatMap(({ pages = [], slices = [], code }) =>
    code === 'moved' ? [] : [...pages, ...slices.flatMap((each) => each.pages ?? [])],
  );
  // A reason names some of its slices.
  const all = receipt.reasons.every(({ slices = [] }) => slices.length < 20);
  if (all && named.length < receipt.pages.failed)
    broken('5 set aside with a reason', `sync ${id}: ${receipt.pages.failed} failed pages, ${named.length} named`);
  const messages = new Set(
    world.failures
      .filter((task) => 'sync' in task && task.sync === id)
      .map((task) => ('failure' in task && 'node' in task ? `${task.node} ${task.failure?.page}` : undefined)),
  );
  if (messages.size < receipt.pages.failed)
    broken('5 set aside with a message', `sync ${id}: ${receipt.pages.failed} failed pages, ${messages.size} messages`);
}

/** The longest that each phase of a sync may take under any weather, in milliseconds, beyond what its API made it wait and what deaths cost it. */
const PATIENCE = 6 * HOUR;
/**
 * As many messages as may have to come one after the other, each as late as they do. More where there are many pages: each may have a slice of its
 * own, and of these one for each worker is open, at least.
 */
const DELIVERIES = 60;
/** Who dies leaves its messages hidden until their visibility ends. In a listing that opens page after page, all of it waits for them. */
const DEATH_COSTS = VISIBILITY_SECONDS * SECOND;

/** Invariant 5: nobody waits for a deadline because a message was lost. */
function checkPatience(world: World, { receipt, id, phase }: Sync, broken: Broken): void {
  const [from, until] = [Date.parse(receipt.startedAt), Date.parse(receipt.finishedAt)];
  const held = world.holds.reduce(
    (sum, hold) => sum + Math.max(0, Math.min(until, hold.until) - Math.max(from, hold.at)),
    0,
  );
  const deaths = sumOf(world, DEATHS);
  const deliveries = DELIVERIES + receipt.pages.planned / CONCURRENCY;
  const took = until - from - held - deaths * DEATH_COSTS - deliveries * world.weather.delivery;
  if (took > (phase + 1) * PATIENCE)
    broken(
      '5 every sync ends in time',
      `sync ${id} took ${Math.round(took / HOUR)} hours more than ${deaths} deaths cost`,
    );
}

/** Of a page's five attempts the first two silences of an outage cost as many: only the third in a row shows that it is one. */
const MOST_SPENT = 2;

/** An API that asks for patience, or is down for a while, costs no page; but what failed before, or killed a worker, does count as an attempt. */
function checkExcuses(world: World, { receipt, id }: Sync, broken: Broken): void {
  const deaths = sumOf(world, [...LOSSES, 'pages that killed', 'calls repeated', 'deletes lost']) > 0;
  const spent = sumOf(world, ['API failures', 'API lies']) > MOST_SPENT;
  const blamed = receipt.reasons.find(
    ({ code }) => code === 'http-429' || (code === 'unreachable' && !deaths && !spent),
  );
  if (blamed !== undefined) broken('5 patience is no attempt', `sync ${id} gave up pages: ${blamed.message}`);
}

/** What costs a page an attempt. */
const REFUSALS = ['API failures', 'API down', 'API lies'];

/** What ends the work of an invocation before it has an outcome. */
const DEATHS = ['crashes', 'timeouts', 'freezes', 'answers lost', 'calls refused', 'pages that killed'];
/** What can cost a message or a round of housekeeping. */
const LOSSES = [
  'messages vanished',
  'messages lost',
  'messages dead-lettered',
  'crashes',
  'timeouts',
  'freezes',
  'answers lost',
  'calls refused',
];
const sumOf = (world: World, whats: readonly string[]): number =>
  whats.reduce((sum, what) => sum + (world.tally.counts.get(what) ?? 0), 0);

/** Invariant 5: what is lost is sent again. A page is given up as lost only if its message was lost four times over. */
function checkLoss(world: World, { receipt, id }: Sync, broken: Broken): void {
  const lost = receipt.reasons.some(({ code }) => code === 'lost');
  const losses = sumOf(world, LOSSES);
  if (lost && losses < 4)
    broken('5 what is lost is sent again', `sync ${id} gave up pages as lost after ${losses} losses`);
  const died = receipt.reasons.some(({ code }) => code === 'died');
  const deaths = losses + sumOf(world, ['pages that killed', 'calls repeated', 'deletes lost', ...REFUSALS]);
  if (died && deaths < 5) {
    broken('5 only what kills is set aside for it', `sync ${id} gave up pages after ${deaths} deaths`);
  }
}

/** Duplicated messages alone must not have a chain walked twice. */
function checkCost(world: World, syncs: readonly Sync[], broken: Broken): void {
  const { kind, each, asks } = world.declared;
  const chain = (kind === 'cursor' || kind === 'keyset' || kind === 'links') && each?.by !== 'pages';
  // Who asks for the setup before it is known asks for it as well; and what comes when its sync is superseded is not counted. A second
  // look asks for pages of a block, which two may ask for at once.
  if (
    !chain ||
    asks === 'setup' ||
    syncs.some(({ superseded, phase }) => superseded || phase > 0) ||
    sumOf(world, [...LOSSES, 'pages that killed', 'calls repeated']) > 0
  )
    return;
  const needed = syncs.reduce((sum, { receipt }) => sum + receipt.requests.sent, 0);
  const sent = sumOf(world, ['requests']);
  if (sent > needed)
    broken('a duplicate costs no request', `${sent} requests were sent, ${needed} of them for something`);
}

/** The stream is free, and stands where the last receipt says. */
async function checkStream(world: World, syncs: readonly Sync[], broken: Broken): Promise<void> {
  const item = await world.ports.syncs.get({ pk: 'sim/main#rows', sk: 'STREAM' });
  if (item === undefined || world.open > 0) return;
  const stream = streamState.parse(item);
  if (stream.current !== undefined) broken('5 the stream is freed', `it still points to sync ${stream.current}`);
  const said = syncs.map(({ receipt }) => receipt.watermark.after ?? '').sort();
  if ((stream.watermark ?? '') !== (said.at(-1) ?? ''))
    broken('2 the receipt tells the truth', `the watermark is ${stream.watermark}, the receipts say ${said.at(-1)}`);
}

/** Invariant 3: in any window no more requests leave than its limit says, whoever sends them. */
function checkRate({ departures, weather }: World, broken: Broken): void {
  for (const { requests = 0, per, window } of weather.limits) {
    const length = span(per);
    const begin = (at: number): number => (window === 'fixed' ? Math.floor(at / length) * length : at);
    const first = departures.findIndex((at, index) => {
      const last = departures[index + requests];
      return last !== undefined && (window === 'fixed' ? begin(last) === begin(at) : last - at <= length);
    });
    if (first >= 0) {
      const at = departures[first] ?? 0;
      broken(
        '3 the limit holds',
        `${requests + 1} requests within ${(departures[first + requests] ?? 0) - at} ms of ${per}`,
      );
    }
  }
}

/** How long after a hold was put the last one may leave that did not know of it, and what clocks and their rounding differ by. */
const HEEDED_WITHIN = SECOND;
const ROUNDING = 5;

/** Once a meter is held every worker is silent until the time that was advised; and one incident is one hold. */
function checkHolds({ departures, holds, weather }: World, broken: Broken): void {
  const slack = weather.skew + ROUNDING;
  const [limit] = weather.limits;
  const resolved = limit && resolveLimit(limit, 1, []);
  const spacing = resolved?.window === 'rolling' ? resolved.interval / MICRO : 0;
  for (const { at, until, last } of holds) {
    if (at < last - slack) broken('3 one hold for an incident', `held until ${until} while it was held until ${last}`);
    const left = departures.find((time) => time > at + HEEDED_WITHIN && time < until - slack);
    if (left !== undefined) broken('3 a hold is heeded', `a request left ${until - left} ms before its end`);
    const after = departures.filter((time) => time >= until - slack && time < until + 4 * spacing).length;
    if (after > 8)
      broken('3 nothing bursts after a hold', `${after} requests left within ${4 * spacing} ms of its end`);
  }
}

/** Invariant 7. */
function checkSecret(world: World, broken: Broken): void {
  const logs = JSON.stringify([world.log.lines, world.failures, world.events.published]);
  const stored = [...world.objects.stored].some(
    ([key, { body }]) => key.includes(SECRET) || Buffer.from(body).includes(SECRET),
  );
  if (logs.includes(SECRET) || stored) broken('7 no secret anywhere', 'the token was written down');
}
