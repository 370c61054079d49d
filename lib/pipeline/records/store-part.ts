import { cutText, LONGEST_SENTENCE } from '../../core/bounds.ts';
import { writeDoubts } from '../../core/listing/page-doubts.ts';
import type { Invocation, NodeContext } from '../invocation.ts';
import type { Item } from '../ports.ts';
import { storeCursors } from '../store/page-cursors.ts';
import type { ListedSlice } from '../store/slices.ts';
import { syncFolder } from '../store/sync-keys.ts';
import type { PageEntry } from '../store/sync-state.ts';
import type { PageContent } from './read-records.ts';
import { noteSchemaDrift } from './schema-drift.ts';

/** A part is stored when this many bytes of records are waiting, so that memory and objects stay small. */
export const PART_BYTES = 8 * 1024 * 1024;
export const bufferedBytes = (pages: readonly PageContent[]): number =>
  pages.reduce((sum, page) => sum + page.lines.reduce((bytes, line) => bytes + line.length, 0), 0);

/** So many keys at most are kept in a part's item: a sync of a hundred thousand small slices needs no object for each. */
const FEW_KEYS = 24;
/** The length of a fingerprint. */
export const KEY_BYTES = 8;

/** The object of key fingerprints that lies beside a part: those of its delivered records, then those of the quarantined ones. */
export const partKeysKey = (part: string): string => part.replace(/\.ndjson(\.gz)?$/, '.keys');
/** The object of quarantined records beside a part. */
export const quarantineKey = (part: string): string => part.replace('/parts/', '/quarantine/');

/** A part that is stored, and what its item says of it. */
export type StoredPart = { readonly id: string; readonly item: Item };

/**
 * Stores pages as one part: its records, its key fingerprints, its quarantined records. The key is new at every attempt, so
 * no part is ever overwritten; one that no node comes to hold is an orphan that no manifest lists.
 */
export async function storePart(
  context: NodeContext,
  { of }: Pick<ListedSlice, 'of'>,
  pages: readonly PageContent[],
): Promise<StoredPart> {
  const sorted = pages.toSorted((a, b) => a.index - b.index);
  await noteSchemaDrift(context, sorted);
  const id = context.random.id(); // R3
  const folder = syncFolder(context.connector.name, context.ref);
  const keys = Buffer.concat([
    ...sorted.flatMap((page) => page.keys),
    ...sorted.flatMap((page) => page.quarantinedKeys),
  ]);
  if (of !== undefined) {
    // Parents are read again, a few at a time, and not delivered.
    const key = `${folder}/parents/${id}.ndjson`;
    const text = sorted.flatMap((page) => page.lines.map((line) => `${line}\n`)).join('');
    await put(context, { key, body: new TextEncoder().encode(text), type: 'application/x-ndjson' });
    const kept = { ...(await storeKeys(context, key, keys)), ...(await storeCursors(context, key, sorted)) };
    return { id, item: { node: context.path, of, key, bytes: text.length, ...kept, ...summary(sorted) } };
  }
  const key = `${folder}/parts/${id}.ndjson.gz`;
  const lines = sorted.flatMap((page) => page.lines);
  const quarantined = sorted.flatMap((page) => page.quarantined);
  // Pages without records need no object: no manifest lists them.
  const bytes = lines.length + quarantined.length > 0 ? (await store(context, key, lines)).byteLength : 0;
  if (quarantined.length > 0) await store(context, quarantineKey(key), quarantined);
  const kept = { ...(await storeKeys(context, key, keys)), ...(await storeCursors(context, key, sorted)) };
  const instead = sorted[0]?.instead;
  const takes = instead === undefined ? {} : { place: instead.place, instead: instead.part };
  return { id, item: { node: context.path, key, bytes, ...kept, ...takes, ...summary(sorted) } };
}

/** Stores the fingerprints of a part's keys beside it, or gives what its item keeps of them. */
async function storeKeys(invocation: Invocation, part: string, keys: Buffer): Promise<{ readonly keys?: string }> {
  if (keys.length <= KEY_BYTES * FEW_KEYS) return keys.length === 0 ? {} : { keys: keys.toString('base64') };
  await put(invocation, { key: partKeysKey(part), body: keys, type: 'application/octet-stream' });
  return {};
}

async function store(invocation: Invocation, key: string, lines: readonly string[]): Promise<Uint8Array> {
  const body = await invocation.gzip(lines.map((line) => `${line}\n`).join(''));
  await put(invocation, { key, body, type: 'application/x-ndjson', encoding: 'gzip' });
  return body;
}

type NewObject = {
  readonly key: string;
  readonly body: Uint8Array;
  readonly type: string;
  readonly encoding?: 'gzip';
};

async function put(invocation: Invocation, { key, body, ...content }: NewObject): Promise<void> {
  const created = await invocation.objects.create(key, body, content);
  if (!created) throw new Error(`The object ${key} exists already, although its key is new.`);
}

function summary(pages: readonly PageContent[]): Item {
  const sum = (count: (page: PageContent) => number): number => pages.reduce((all, page) => all + count(page), 0);
  const totals = pages.flatMap((page) => page.total ?? []);
  const estimates = pages.flatMap((page) => page.estimate ?? []);
  const highest = pages.flatMap((page) => page.highest ?? []);
  const future = pages.reduce<number | undefined>((most, page) => latest(most, page.future), undefined);
  const notes = pages.flatMap(({ note }) => (note === undefined ? [] : cutText(note, LONGEST_SENTENCE)));
  const token = pages.findLast((page) => page.token !== undefined && page.look !== true)?.token;
  const doubts = pages.flatMap((page) => page.doubts);
  return {
    pages: JSON.stringify(
      pages.map((page): PageEntry => [page.index, page.fetched, page.first, page.last, page.keySet]),
    ),
    fetched: sum((page) => page.fetched),
    delivered: sum((page) => page.lines.length),
    quarantined: sum((page) => page.quarantined.length),
    repeated: sum((page) => page.repeated),
    ...(future === undefined ? {} : { future }),
    ...(pages.some(({ zoneless }) => zoneless) ? { zoneless: true } : {}),
    ...(totals.length > 0 ? { leastTotal: Math.min(...totals), greatestTotal: Math.max(...totals) } : {}),
    ...(pages[0]?.look ? { look: true } : {}),
    ...(doubts.length > 0 ? { doubts: writeDoubts(doubts) } : {}),
    ...(estimates.length > 0 ? { estimate: Math.max(...estimates) } : {}),
    ...(notes.length > 0 ? { notes: JSON.stringify(countTexts(notes)) } : {}),
    ...(highest.length > 0 ? { highest: Math.max(...highest) } : {}),
    ...(token === undefined ? {} : { token }),
  };
}

const latest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);

/** How often each text comes. */
function countTexts(texts: readonly string[]): Record<string, number> {
  const groups = Map.groupBy(texts, (text) => text);
  return Object.fromEntries([...groups].map(([text, same]) => [text, same.length]));
}
