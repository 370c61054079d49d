import { hash } from 'node:crypto';
import { bytesOf, LONGEST_PARENT } from '../../core/bounds.ts';
import type { Stream } from '../../core/connector/connector.ts';
import { checkRecord, recordKey, type SchemaDeparture } from '../../core/connector/schema.ts';
import { dateMark } from '../../core/connector/since.ts';
import { parseDate } from '../../core/dates.ts';
import type { Reply } from '../../core/exchange.ts';
import { doubt, type PageDoubt } from '../../core/listing/page-doubts.ts';
import { writeJson } from '../../core/response/json.ts';
import type { Reason } from '../../core/response/judge.ts';
import { truncatedLists } from '../../core/response/nested-lists.ts';
import { withoutSecrets } from '../../core/response/redact.ts';
import { readStatedTotal, saysLowerBound } from '../../core/response/stated-total.ts';
import { DAY } from '../../core/time.ts';
import { watermarkBound } from '../../core/verdict/watermark.ts';
import type { FetchedPage } from '../requests/fetched-page.ts';
import type { KeptExchange } from '../requests/keep-answer.ts';
import type { ListedSlice } from '../store/slices.ts';

/** A page's records, ready to be stored. */
export type PageContent = {
  readonly index: number;
  readonly fetched: number;
  readonly repeated: number;
  /** What is delivered: one JSON line each. */
  readonly lines: readonly string[];
  /** What does not fit the schema, each with its departures: one JSON line each. */
  readonly quarantined: readonly string[];
  readonly departures: readonly SchemaDeparture[];
  /** Eight bytes for each delivered record, and for each quarantined one: the fingerprint of its key. */
  readonly keys: readonly Buffer[];
  readonly quarantinedKeys: readonly Buffer[];
  /** Fingerprints of the first and the last record's key; empty where there is none. */
  readonly first: string;
  readonly last: string;
  readonly total: number | undefined;
  readonly estimate: number | undefined;
  /** The lowest value of the watermark field, and the highest that may become a watermark: epoch milliseconds, or a number. */
  readonly lowest: number | undefined;
  readonly highest: number | undefined;
  /** The latest date that lies in the future. */
  readonly future?: number | undefined;
  /** A date names no time zone, and the stream names none for it. */
  readonly zoneless?: boolean;
  /** Why a rule of the connector took it for a page. */
  readonly note?: string | undefined;
  /** What the page that ends a chain gives for the next sync. */
  readonly token?: string | undefined;
  /** A fingerprint of the set of its records' keys. */
  readonly keySet: string;
  /** Of a chain: what led to the page. */
  readonly cursor?: string | undefined;
  /** It was read only to be compared with another reading. */
  readonly look?: boolean;
  /** What the page says against its listing. */
  readonly doubts: readonly PageDoubt[];
  readonly exchange: KeptExchange;
  /** These records stand for those that a part quarantined: the place of its listing, and its key. */
  readonly instead?: { readonly place: string; readonly part: string };
};

type Reading = {
  readonly listed: ListedSlice;
  readonly mode: 'strict' | 'permissive';
  /** The first record is the last one of the page before: it is dropped. */
  readonly overlaps: boolean;
  /** When the sync started, by our clock: epoch milliseconds. */
  readonly startedAt: number;
};

/** Holds each record against the schema and maps it. In strict mode the first one that does not fit refuses the page. */
export function readRecords(
  page: FetchedPage,
  index: number,
  { listed, mode, overlaps, startedAt }: Reading,
): PageContent | Reason {
  const { stream } = listed;
  const lines: string[] = [];
  const quarantined: string[] = [];
  const departures = new Map<string, SchemaDeparture>();
  /** Fields that the schema drops: once one was seen, it is not looked at again. */
  const unknown = new Set<string>();
  const keys: Buffer[] = [];
  const quarantinedKeys: Buffer[] = [];
  /** Places of lists that say that they are cut off, and in how many of the records. */
  const cut = new Map<string, number>();
  // Numbers have no window that a record could lie outside of.
  const dated = dateMark(stream.since) !== undefined;
  let lowest: number | undefined;
  let highest: number | undefined;
  let future: number | undefined;
  let zoneless = false;
  const bound = dated ? watermarkBound(startedAt, page.lag) : Number.POSITIVE_INFINITY; // R55
  for (const raw of overlaps ? page.records.slice(1) : page.records) {
    const twice = page.ambiguous.get(raw);
    const one = twice === undefined ? readRecord(listed, raw, unknown) : { departures: [comesTwice(twice)] };
    for (const each of one.departures) {
      if (departures.has(`${each.path} ${each.change}`)) continue;
      const told = withoutSecrets(each, page.exchange.redaction);
      if (mode === 'strict') return { code: 'schema', message: `a record does not fit the schema: ${describe(told)}` };
      departures.set(`${each.path} ${each.change}`, told);
      if (each.change === 'unknown') unknown.add(each.path);
    }
    if ('line' in one) {
      for (const place of one.cut) if (stream.nested?.[place] === undefined) cut.set(place, (cut.get(place) ?? 0) + 1);
      lines.push(one.line);
      keys.push(fingerprint(one.key));
      if (dated) lowest = Math.min(lowest ?? Number.POSITIVE_INFINITY, one.seen ?? Number.POSITIVE_INFINITY);
      zoneless ||= one.zoneless === true;
      if (one.seen === undefined) continue;
      if (one.seen <= bound) highest = Math.max(highest ?? one.seen, one.seen);
      else if (one.seen > startedAt + SOON) future = Math.max(future ?? one.seen, one.seen);
    } else {
      quarantined.push(writeJson({ page: index, departures: one.departures, record: raw }) ?? '');
      quarantinedKeys.push(identify(stream, raw));
    }
  }
  return {
    index,
    fetched: page.records.length,
    repeated: page.records.length - lines.length - quarantined.length,
    lines,
    quarantined,
    departures: [...departures.values()],
    keys,
    quarantinedKeys,
    first: edge(stream, page.records.at(0)),
    last: edge(stream, page.records.at(-1)),
    total: page.total,
    estimate: page.estimate,
    lowest,
    highest,
    future,
    zoneless,
    note: page.note,
    keySet: keySetOf([...keys, ...quarantinedKeys]),
    doubts: doubtsOf(stream, page, { index, cut }),
    exchange: page.exchange,
  };
}

/** What a page says against its listing, whichever page it is: its total counts no further, lists in its records are cut off. */
function doubtsOf(
  stream: Stream,
  { reply, records, missing }: FetchedPage,
  { index, cut }: { readonly index: number; readonly cut: ReadonlyMap<string, number> },
): PageDoubt[] {
  return [
    ...(missing === undefined ? [] : [doubt('missing-page', `HTTP ${missing}`, index)]),
    ...(isLowerBound(stream, reply, records) ? [doubt('limit', 'the total is a lower bound', index)] : []),
    ...[...cut].map(([place, many]) => doubt('nested', place, index, many)),
  ];
}

function isLowerBound({ total }: Stream, reply: Reply, records: readonly unknown[]): boolean {
  if (total === undefined) return false;
  if (saysLowerBound(reply.body, records)) return true;
  try {
    const stated = readStatedTotal(total(reply));
    return stated !== undefined && 'atLeast' in stated && stated.atLeast;
  } catch {
    return false;
  }
}

type ReadRecord =
  | { readonly departures: readonly SchemaDeparture[] }
  | {
      readonly departures: readonly SchemaDeparture[];
      readonly line: string;
      readonly key: string;
      readonly seen: number | undefined;
      readonly zoneless?: boolean;
      readonly cut: readonly string[];
    };

function readRecord({ stream, slice, pick }: ListedSlice, raw: unknown, unknown: ReadonlySet<string>): ReadRecord {
  try {
    const checked = checkRecord(stream, raw, unknown);
    const { departures } = checked;
    if (!checked.fits) return { departures };
    const key = recordKey(stream, checked.record);
    if (key === undefined) return { departures: [{ path: String(stream.key), change: 'missing', sample: 'no key' }] };
    const seen = markOf(stream.since, raw);
    if ('problem' in seen) return { departures: [unreadable(seen.problem)] };
    if (pick !== undefined) return pickParent(pick(checked.record), key, departures);
    const parent = slice.parents?.[0];
    const delivered: unknown = stream.map ? stream.map(checked.record, { parent }) : checked.record;
    if (typeof delivered !== 'object' || delivered === null || 'then' in delivered)
      return { departures: [unreadable('"map" gives no record for it')] };
    const tombstone = stream.deleted?.(checked.record) === true ? { ...Object(delivered), _deleted: true } : delivered;
    return { line: writeJson(tombstone) ?? 'null', key, ...seen, departures, cut: truncatedLists(delivered) };
  } catch (error) {
    return { departures: [unreadable(error instanceof Error ? error.message : String(error))] };
  }
}

type SeenMark = { readonly seen: number | undefined; readonly zoneless?: boolean } | { readonly problem: string };
const UNMARKED = { seen: undefined } as const;

/** The date or the number by which a record tells how new it is. A record that has none is delivered, and moves nothing. */
function markOf(since: Stream['since'], raw: unknown): SeenMark {
  if (since === undefined || 'token' in since) return UNMARKED;
  const value = 'field' in since ? since.field(raw) : since.number(raw);
  if (value === undefined || value === null || value === '') return UNMARKED;
  if ('field' in since) {
    const date = parseDate(value, since.zone);
    if (date === undefined) return { problem: 'the watermark field is not a date' };
    return { seen: date.millis, zoneless: date.zoneless && since.zone === undefined };
  }
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? { seen: value }
    : { problem: 'the watermark number is not whole, or not below 2^53' };
}

/** A date is in the future from so many milliseconds after the sync started: by then the sync itself is over, mostly. */
const SOON = DAY;

/** What the listings of a parent's children are told of it. */
function pickParent(parent: unknown, key: string, departures: readonly SchemaDeparture[]): ReadRecord {
  // An empty line is no parent; its record counts as read.
  if (parent === null) return { line: '', key, seen: undefined, departures, cut: [] };
  if (parent === undefined) return { departures: [unreadable('"each" picks nothing from it')] };
  const line = writeJson(parent) ?? 'null';
  const bytes = bytesOf(line);
  if (bytes > LONGEST_PARENT)
    return { departures: [unreadable(`"each" must pick at most ${LONGEST_PARENT} bytes (got ${bytes})`)] };
  return { line, key, seen: undefined, departures, cut: [] };
}

/** Of what stands there, only the last can be read. */
const TWICE = 'this name comes twice';
const comesTwice = (name: string): SchemaDeparture => ({ path: name, change: 'retyped', sample: TWICE });

/** A quarantined record, with the name that came twice in it, if that is why. `departures`: as they were stored. */
export const duplicateNamesIn = (departures: readonly SchemaDeparture[], record: unknown): [unknown, string][] =>
  departures.flatMap(({ path, sample }) => (sample === TWICE ? [[record, path]] : []));

/** What the schema lets pass, but the connector's own functions cannot read. */
const unreadable = (why: string): SchemaDeparture => ({
  path: '(record)',
  change: 'retyped',
  sample: why.slice(0, 60),
});

const describe = ({ path, change, sample }: SchemaDeparture): string => `"${path}" is ${change} (${sample})`;

/** The first 64 bits of the SHA-256 of a text: two of a million differing keys collide once in 37 million syncs. */
const fingerprint = (text: string): Buffer => hash('sha256', text, 'buffer').subarray(0, 8);

/** What a page holds, as far as its reader can tell: the keys of its records, and what is delivered of them. */
export const pageFingerprint = ({ keys, quarantinedKeys, lines }: PageContent): string =>
  hash('sha256', Buffer.concat([...keys, ...quarantinedKeys, Buffer.from(lines.join('\n'))]), 'base64url').slice(0, 16);

/** A fingerprint of a set of keys, in whatever order they come: 48 bits, so that two sets that differ agree once in 281 trillion. */
const keySetOf = (keys: readonly Buffer[]): string =>
  hash('sha256', Buffer.concat([...keys].sort(Buffer.compare)), 'base64url').slice(0, 8);

/** Two records are the same one if their keys are; a record without a key is compared whole. */
const identify = (stream: Stream, raw: unknown): Buffer => fingerprint(recordKey(stream, raw) ?? writeJson(raw) ?? '');

const edge = (stream: Stream, raw: unknown): string =>
  raw === undefined ? '' : identify(stream, raw).toString('base64url');
