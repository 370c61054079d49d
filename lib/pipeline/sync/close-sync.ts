import type { Stream } from '../../core/connector/connector.ts';
import { pageNumber } from '../../core/connector/paging.ts';
import { markKind } from '../../core/connector/since.ts';
import { refOf, type SyncRef, type TaskOf } from '../../core/tasks.ts';
import { judgeSync } from '../../core/verdict/completeness.ts';
import { type Receipt, receiptSchema, receiptText } from '../../core/verdict/receipt.ts';
import { coversWatermark, nextMark, nextWatermark } from '../../core/verdict/watermark.ts';
import { withholdVerdict } from '../../core/verdict/withhold-verdict.ts';
import { atNode, forSync, type Invocation, type SyncContext, streamOf } from '../invocation.ts';
import type { Change, Clause } from '../ports.ts';
import { readNode } from '../store/node.ts';
import { rootPath, streamKey, syncFolder, syncKey } from '../store/sync-keys.ts';
import { inPhase, type SyncState } from '../store/sync-state.ts';
import type { ReceivedTask } from '../tasks/outcome.ts';
import { isNodeDone } from '../tree/tree.ts';
import { repairMovedPages } from './repair.ts';
import { beginSync, readSync } from './start-sync.ts';
import { type SyncTotals, sumSync } from './sum-sync.ts';
import { countRequests, startReplacement, supersedeSync, whySuperseded } from './supersede.ts';

/**
 * Closes a sync whose tree is done: closing → sum → what moved is read again, or: stream (watermark, free) → manifest → receipt → event → closed. Each step may be
 * repeated: all of it is derived from the tree, which no longer changes, and the first receipt that was put stands.
 */
export async function closeSync(
  invocation: Invocation,
  { task, receives }: ReceivedTask<TaskOf<'close'>>,
): Promise<void> {
  const context = forSync(invocation, refOf(task));
  const { ref } = context;
  const { syncs, connector } = invocation;
  const sync = await readSync(context);
  if (sync === undefined || sync.status === 'closed') return;
  if (sync.superseded !== undefined) return closeSuperseded(context, sync, sync.superseded);
  const superseded = whySuperseded(context, sync);
  if (superseded !== undefined && sync.status === 'open') return supersedeSync(context, sync, superseded);
  const root = await readNode(atNode(context, rootPath(sync.phase)));
  if (root === undefined || !isNodeDone(context, root)) {
    // What moved is read again, perhaps since this message's last receiver, who died before the tasks were out.
    if (receives > 1 && sync.repairs > 0) await beginSync(context); // R52
    return;
  }
  const key = syncKey(connector.name, ref);
  await syncs.update(key, { set: { status: 'closing' } }, [{ equal: ['status', 'open'] }, inPhase(sync.phase)]);

  const stream = streamOf(invocation, ref.stream);
  // Its stream went while it was being closed.
  if (stream === undefined) return closeSuperseded(context, sync, superseded ?? '');
  const sum = await sumSync(context, stream, sync);
  if (sync.accepted === undefined && (await repairMovedPages(context, sync, sum))) return;
  const receipt = buildReceipt(context, stream, sync, sum);
  await noteExtent(context, receipt);
  if (commitsWatermark(stream, receipt, sync)) await commit(context, { stream, sync, receipt });
  await freeStream(context);
  await publishReceipt(context, sync, receipt, sum.manifest);
}

/** What was read is no longer what it was: the receipt says so, nothing is delivered, the watermark stays. */
async function closeSuperseded(context: SyncContext, sync: SyncState, why: string): Promise<void> {
  const counts = await countRequests(context, sync);
  const receipt: Receipt = {
    ...receiptHeader(context, sync),
    ...counts,
    verdict: 'INCOMPLETE',
    evidence: null,
    reasons: [{ code: 'superseded', message: why }],
    checked: { pages: 0, of: 0, moved: 0 },
    warnings: simulatedWarning(context),
    schema: [],
    watermark: { before: sync.watermark ?? null, after: sync.watermark ?? null },
  };
  await freeStream(context); // R65
  await startReplacement(context, sync); // R64
  await publishReceipt(context, sync, receipt, await context.gzip(''));
}

/** The last steps of a close: the receipt, the numbers, the event; then it is closed. */
async function publishReceipt(
  context: SyncContext,
  sync: SyncState,
  receipt: Receipt,
  manifest: Uint8Array,
): Promise<void> {
  const { events, syncs, log, connector } = context;
  const key = syncKey(connector.name, context.ref);
  const stored = await putReceipt(context, receipt, manifest);
  measure(context, stored);
  await events.publish('Sync closed', announcement(stored)); // R53
  await syncs.update(key, { set: { status: 'closed' }, remove: ['live'] }, [inPhase(sync.phase)]); // R51
  log.info('sync closed', { ...context.ref, verdict: stored.verdict, records: stored.records.delivered });
}

/** Where the receipt of a sync and its manifest lie. */
export function receiptKeys(connector: string, ref: SyncRef, revision: number): { receipt: string; manifest: string } {
  const folder = `${syncFolder(connector, ref)}/${revision}`;
  return { receipt: `${folder}/receipt.json`, manifest: `${folder}/manifest.ndjson.gz` };
}

/** Whether a sync moves the watermark, and leaves its stream fresh. */
const commitsWatermark = (
  stream: Stream,
  { verdict, reasons }: Pick<Receipt, 'verdict' | 'reasons'>,
  sync: SyncState,
): boolean =>
  coversWatermark(stream.since, sync.watermark, sync) &&
  (sync.accepted !== undefined ||
    verdict === 'COMPLETE' ||
    (verdict === 'UNKNOWN' && reasons.every((reason) => isBehindWatermark(stream, reason))));

/**
 * Whether what a reason says may be missing is still to be asked for by the next sync. An end that is only inferred leaves nothing out before it; so does the
 * limit of a listing that begins with the oldest.
 */
const isBehindWatermark = ({ order }: Stream, { code }: Receipt['reasons'][number]): boolean =>
  code === 'end-inferred' || (code === 'limit' && order === 'oldest first');

/** The most that a stage allows where it says nothing. */
const QUARANTINE_PERCENT = 1;

/** Nobody must take what a simulator made up for what an API has. */
const simulatedWarning = ({ settings: { SIMULATED } }: SyncContext): Receipt['warnings'] =>
  SIMULATED === undefined
    ? []
    : [
        {
          code: 'simulated',
          message: `the simulator answered in the place of ${SIMULATED}: no record is of a real API`,
        },
      ];

const OTHER_ACCOUNT_BEFORE = {
  code: 'other-account',
  message:
    'the connection was another account before: what was known of that one is forgotten, and everything was asked for',
};

const dateWarnings = ({ future, zoneless }: Pick<SyncTotals, 'future' | 'zoneless'>): Receipt['warnings'] => [
  ...(future === undefined
    ? []
    : [
        {
          code: 'future-dates',
          message: `records are dated in the future, up to ${new Date(future).toISOString()}: they are delivered, and do not move the watermark`,
        },
      ]),
  ...(zoneless
    ? [
        {
          code: 'zoneless-dates',
          message: 'dates of records name no time zone, and were read as UTC: say by "since.zone" where they are of',
        },
      ]
    : []),
];

/** A sync without a token for the next one is whole, but no one would know why the next one asks for the same again. */
const tokenWarning = (
  { since }: Stream,
  { verdict, token }: { readonly verdict: Receipt['verdict']; readonly token: string | undefined },
): Receipt['warnings'] =>
  since !== undefined && 'token' in since && token === undefined && verdict !== 'INCOMPLETE'
    ? [
        {
          code: 'no-token',
          message: 'the last page gave no token, so the next sync asks for the same again: look at "since.token"',
        },
      ]
    : [];

/** The receipt of a sum. */
function buildReceipt(
  context: SyncContext,
  stream: Stream,
  sync: SyncState,
  {
    judged,
    requests,
    pages,
    records,
    again,
    stated,
    exact,
    schema,
    highest,
    future,
    zoneless,
    token,
    notes,
  }: SyncTotals,
): Receipt {
  const { delivered, quarantined, dropped } = records;
  const held = withholdVerdict(judgeSync(judged), {
    ...{ mode: sync.mode, distinct: delivered + quarantined - again, delivered, quarantined },
    ...{
      allowed: (context.settings.QUARANTINE_PERCENT ?? QUARANTINE_PERCENT) / 100,
      before: sync.fullRecords,
      shrunkTo: sync.shrunkTo,
    },
  });
  const { verdict, evidence, reasons, movement, checked, warnings } = held;
  const source = exact ? (stream.count === undefined ? 'total' : 'count') : 'estimate';
  const before = sync.watermark ?? null;
  const moves = commitsWatermark(stream, { verdict, reasons }, sync);
  return {
    ...receiptHeader(context, sync),
    ...{ verdict, evidence, reasons },
    expected: { records: stated ?? null, source: stated === undefined ? null : source },
    pages,
    records: { fetched: delivered + quarantined + dropped, delivered, quarantined, repeated: dropped + again },
    requests,
    movement,
    ...(notes.size === 0 ? {} : { notes: [...notes].map(([message, count]) => ({ message, pages: count })) }),
    checked,
    warnings: [
      ...simulatedWarning(context),
      ...(sync.otherAccount ? [OTHER_ACCOUNT_BEFORE] : []),
      ...warnings,
      ...dateWarnings({ future, zoneless }),
      ...tokenWarning(stream, { verdict, token }),
    ],
    schema: schema.map((change) => ({ ...change, page: pageNumber(stream.paging, change.page) })),
    watermark: {
      before,
      after: moves ? (nextMarkOf(stream, sync, { highest, token }) ?? null) : before,
    },
  };
}

/** What the sync commits: a date, or the number or the token that its stream goes by. */
function nextMarkOf(
  { since }: Stream,
  { watermark, to }: SyncState,
  { highest, token }: Pick<SyncTotals, 'highest' | 'token'>,
): string | undefined {
  if (since !== undefined && !('field' in since)) return nextMark(since, watermark, { highest, token });
  return nextWatermark(watermark, highest, to);
}

/** Which sync it is, when it was, and where its manifest lies. */
function receiptHeader(
  { connector, clock, ref }: SyncContext,
  sync: SyncState,
): Pick<
  Receipt,
  keyof SyncRef | 'connector' | 'revision' | 'mode' | 'accepted' | 'manifest' | 'startedAt' | 'finishedAt'
> {
  return {
    connector: connector.name,
    connection: ref.connection,
    stream: ref.stream,
    sync: ref.sync,
    revision: sync.revision,
    mode: sync.mode,
    ...(sync.accepted === undefined
      ? {}
      : { accepted: { reason: sync.accepted, at: new Date(sync.acceptedAt).toISOString() } }),
    manifest: receiptKeys(connector.name, ref, sync.revision).manifest,
    startedAt: new Date(sync.startedAt).toISOString(),
    finishedAt: new Date(clock.now()).toISOString(),
  };
}

/**
 * Commits what a sync proves, before its receipt says so. What one sync proved stays proved, so this holds at any time and in any order, also when a
 * later phase of an old sync gets everything after newer syncs have begun: the watermark only rises.
 */
async function commit(
  context: SyncContext,
  {
    stream: { since },
    sync: { account },
    receipt: { verdict, mode, watermark, startedAt, warnings },
  }: { readonly stream: Stream; readonly sync: SyncState; readonly receipt: Receipt },
): Promise<void> {
  const ofAccount: Clause[] = account === undefined ? [] : [{ equal: ['account', account] }]; // R91
  const { syncs, connector, clock } = context;
  const key = streamKey(connector.name, context.ref);
  const { after } = watermark;
  const rises = (name: string, value: string): Clause => ({ either: [{ absent: name }, { less: [name, value] }] });
  const kind = since === undefined ? 'date' : markKind(since);
  // A mark of another kind, and a date in the future, which a wrong clock once put there.
  const useless: Clause[] = [{ present: 'marked' }, { greater: ['watermark', new Date(clock.now()).toISOString()] }];
  if (after !== null && kind === 'date')
    await syncs.update(
      key,
      { set: { watermark: after }, remove: ['marked'] },
      [...ofAccount, { either: [rises('watermark', after), ...useless] }], // R54
    );
  else if (after !== null) await commitMark(context, { kind, watermark, ofAccount });
  const set: Change['set'] = {
    lastCommitted: context.ref.sync,
    freshAt: Date.parse(startedAt),
    ...(warnings.some(({ code }) => code === 'zoneless-dates') ? { zoneless: true } : {}),
    ...(verdict === 'COMPLETE' ? { lastCompleteAt: clock.now() } : {}),
    ...(verdict === 'COMPLETE' && mode === 'full' ? { lastFullAt: Date.parse(startedAt) } : {}),
  };
  await syncs.update(key, { set }, [...ofAccount, rises('lastCommitted', context.ref.sync)]);
  if (mode === 'full')
    await syncs.update(key, { set: { lastFullCommitted: context.ref.sync } }, [
      ...ofAccount,
      rises('lastFullCommitted', context.ref.sync),
    ]);
}

/**
 * Commits a number or a token, unless another sync has moved it since this one began: a token tells no order, and one that was given later stands for
 * more. What stands there of another kind means nothing.
 */
async function commitMark(
  { syncs, connector, ref }: SyncContext,
  {
    kind: marked,
    watermark: { before, after },
    ofAccount,
  }: { readonly kind: string; readonly watermark: Receipt['watermark']; readonly ofAccount: readonly Clause[] },
): Promise<void> {
  const stands: Clause = before === null ? { absent: 'watermark' } : { equal: ['watermark', before] };
  const foreign: Clause = {
    either: [{ absent: 'marked' }, { equal: ['marked', marked === 'token' ? 'number' : 'token'] }],
  };
  await syncs.update(
    streamKey(connector.name, ref),
    { set: { watermark: after ?? '', marked } },
    [...ofAccount, { either: [stands, foreign] }], // R88
  );
}

/** Keeps how many records a full sync had: the next one is held against it. One that shrank is believed when the next one agrees. */
async function noteExtent({ syncs, connector, ref }: SyncContext, receipt: Receipt): Promise<void> {
  if (receipt.mode !== 'full') return;
  const { delivered, repeated } = receipt.records;
  const records = Math.max(0, delivered - repeated);
  const key = streamKey(connector.name, ref);
  const isCurrent = [{ equal: ['current', ref.sync] } as const];
  if (receipt.verdict === 'COMPLETE' || receipt.accepted !== undefined)
    await syncs.update(key, { set: { fullRecords: records }, remove: ['shrunkTo'] }, isCurrent);
  else if (receipt.reasons.some(({ code }) => code === 'shrunk'))
    await syncs.update(key, { set: { shrunkTo: records } }, isCurrent);
}

/** Frees the stream for its next sync. A late closer finds its successor's id there, and touches nothing. */
async function freeStream({ syncs, connector, ref }: SyncContext): Promise<void> {
  await syncs.update(
    streamKey(connector.name, ref),
    { set: { lastClosed: ref.sync }, remove: ['current', 'at', 'live', 'asked'] },
    [{ equal: ['current', ref.sync] }], // R50
  );
}

/** Puts the manifest and the receipt unless they are there; gives the receipt that stands. */
async function putReceipt(
  { objects, connector, ref }: SyncContext,
  receipt: Receipt,
  manifest: Uint8Array,
): Promise<Receipt> {
  await objects.create(receipt.manifest, manifest, { type: 'application/x-ndjson', encoding: 'gzip' });
  const { receipt: key } = receiptKeys(connector.name, ref, receipt.revision);
  const body = new TextEncoder().encode(receiptText(receipt));
  if (await objects.create(key, body, { type: 'application/json' })) return receipt;
  const stored = await objects.get(key);
  return receiptSchema.parse(JSON.parse(new TextDecoder().decode(stored)));
}

/** A close that is repeated is measured again: rather twice than never. */
function measure({ metrics }: Invocation, { verdict, pages, records, schema }: Receipt): void {
  metrics.add(CLOSED[verdict], 1);
  metrics.add('PagesDelivered', pages.fetched);
  metrics.add('RecordsDelivered', records.delivered);
  metrics.add('RecordsQuarantined', records.quarantined);
  metrics.add('SchemaChanges', schema.length);
}

const CLOSED = { COMPLETE: 'SyncsComplete', INCOMPLETE: 'SyncsIncomplete', UNKNOWN: 'SyncsUnknown' } as const;

/** What the event says: the summary, and where the whole of it lies. */
function announcement(receipt: Receipt): object {
  const { connector, connection, stream, sync, revision, mode, verdict, evidence, records, manifest } = receipt;
  return {
    ...{ connector, connection, stream, sync, revision, mode, verdict, evidence, records, manifest },
    receipt: receiptKeys(connector, { connection, stream, sync }, revision).receipt,
  };
}
