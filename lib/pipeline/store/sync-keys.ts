import type { SyncRef } from '../../core/tasks.ts';
import { DAY } from '../../core/time.ts';
import type { Key } from '../ports.ts';

type StreamRef = Pick<SyncRef, 'connection' | 'stream'>;

export const syncPartition = (connector: string, { connection, stream }: StreamRef): string =>
  `${connector}/${connection}#${stream}`;

/** Connection and stream of a partition key. */
export function parsePartition(connector: string, pk: string): StreamRef | undefined {
  const cut = pk.lastIndexOf('#');
  const prefix = `${connector}/`;
  return cut > prefix.length && pk.startsWith(prefix)
    ? { connection: pk.slice(prefix.length, cut), stream: pk.slice(cut + 1) }
    : undefined;
}

/** What groups the items of one stream of all connections, in the order in which they were last fresh. */
export const freshPartition = (connector: string, stream: string): string => `${connector}/${stream}`;

/** Sort key of a stream's item. */
export const STREAM_SORT_KEY = 'STREAM';
export const streamKey = (connector: string, ref: StreamRef): Key => ({
  pk: syncPartition(connector, ref),
  sk: STREAM_SORT_KEY,
});
export const syncKey = (connector: string, ref: SyncRef): Key => ({
  pk: syncPartition(connector, ref),
  sk: `SYNC#${ref.sync}`,
});
const under =
  (kind: 'NODE' | 'PART' | 'FAIL' | 'DRIFT' | 'SETUP') =>
  (connector: string, ref: SyncRef, rest = ''): Key => ({
    pk: syncPartition(connector, ref),
    sk: `${kind}#${ref.sync}#${rest}`,
  });
export const nodeKey = under('NODE');
export const partKey = under('PART');
export const failedPageKey = under('FAIL');
export const schemaDriftKey = under('DRIFT');

/** Where a sync's objects lie. */
export const syncFolder = (connector: string, { connection, stream, sync }: SyncRef): string =>
  `${connector}/${connection}/${stream}/${sync}`;
export const setupKey = under('SETUP');

/** State outlives its sync by this long, then DynamoDB removes it (TTL). Records and receipts stay. */
const KEPT = 30 * DAY;
/** The TTL attribute: epoch seconds (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html). */
export const expiryOf = (now: number): { expires: number } => ({ expires: Math.ceil((now + KEPT) / 1_000) });

/**
 * Path of the node a sync hangs on. A child's path is its parent's, a dot, and its name. Whatever is asked for again after the close hangs
 * on a root of its own, one for each phase: `0`, `1`, …
 */
export const rootPath = (phase: number): string => (phase < 10 ? `${phase}` : phase < 100 ? `a${phase}` : `b${phase}`);
export const ROOT_PATH = rootPath(0);
/** The phase that a node is of. As text, too, a later one comes after. */
export const phaseOf = (path: string): number => Number(/^[ab]?(\d+)/.exec(path)?.[1]);
/** What a node is in every phase: its path without it. The root's is empty. */
export const placeOf = (path: string): string => path.replace(/^[^.]*/, '');
/** The name of a group's child. It cannot be taken for a block's: a listing may have stood here before. */
export const sliceChild = (index: number): string => `s${index}`;
export function indexOfSlice(name: string): number | undefined {
  const [, digits] = /^s(\d+)$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
export const childPath = (parent: string, name: string | number): string => `${parent}.${name}`;
/** Parent and name of a node; the root has none. */
export function parentOf(path: string): { parent: string; name: string } | undefined {
  const dot = path.lastIndexOf('.');
  return dot < 0 ? undefined : { parent: path.slice(0, dot), name: path.slice(dot + 1) };
}
