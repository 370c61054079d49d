import { hash } from 'node:crypto';
import type { Stream } from '../core/connector.ts';
import { writeJson } from '../core/json.ts';
import type { Reason } from '../core/judge.ts';
import { checkRecord, type Departure, recordKey } from '../core/schema.ts';
import { parseInstant } from '../core/time.ts';
import type { FetchedPage } from './fetch-page.ts';
import type { Exchange } from './keep-answer.ts';
import type { Listed } from './slices.ts';

/** A page's records, ready to be stored. */
export type PageContent = {
  readonly index: number;
  readonly fetched: number;
  readonly repeated: number;
  /** What is delivered: one JSON line each. */
  readonly lines: readonly string[];
  /** What does not fit the schema, each with its departures: one JSON line each. */
  readonly quarantined: readonly string[];
  readonly departures: readonly Departure[];
  /** Eight bytes for each delivered record: the fingerprint of its key. */
  readonly keys: readonly Buffer[];
  /** Fingerprints of the first and the last record's key; empty where there is none. */
  readonly first: string;
  readonly last: string;
  readonly total: number | undefined;
  readonly answeredAt: number;
  /** The highest value of the watermark field, epoch milliseconds. */
  readonly highest: number | undefined;
  readonly exchange: Exchange;
};

type Reading = {
  readonly listed: Listed;
  readonly mode: 'strict' | 'permissive';
  /** The first record is the last one of the page before: it is dropped. */
  readonly overlaps: boolean;
};

/** Holds each record against the schema and maps it. In strict mode the first one that does not fit refuses the page. */
export function readRecords(
  page: FetchedPage,
  index: number,
  { listed, mode, overlaps }: Reading,
): PageContent | Reason {
  const { stream } = listed;
  const lines: string[] = [];
  const quarantined: string[] = [];
  const departures: Departure[] = [];
  const keys: Buffer[] = [];
  let highest: number | undefined;
  for (const raw of overlaps ? page.records.slice(1) : page.records) {
    const twice = page.ambiguous.get(raw);
    const one = twice === undefined ? readRecord(listed, raw) : { departures: [comesTwice(twice)] };
    if ('line' in one) {
      lines.push(one.line);
      keys.push(fingerprint(one.key));
      if (one.seen !== undefined) highest = Math.max(highest ?? one.seen, one.seen);
    } else if (mode === 'strict') {
      return { code: 'schema', message: `a record does not fit the schema: ${describe(one.departures)}` };
    } else {
      quarantined.push(writeJson({ page: index, departures: one.departures, record: raw }) ?? '');
      departures.push(...one.departures);
    }
  }
  return {
    index,
    fetched: page.records.length,
    repeated: page.records.length - lines.length - quarantined.length,
    lines,
    quarantined,
    departures,
    keys,
    first: edge(stream, page.records.at(0)),
    last: edge(stream, page.records.at(-1)),
    total: page.total,
    answeredAt: page.answeredAt,
    highest,
    exchange: page.exchange,
  };
}

type ReadRecord =
  | { readonly line: string; readonly key: string; readonly seen: number | undefined }
  | { readonly departures: readonly Departure[] };

function readRecord({ stream, slice, pick }: Listed, raw: unknown): ReadRecord {
  const checked = checkRecord(stream, raw);
  if (!checked.fits) return { departures: checked.departures };
  const key = recordKey(stream, checked.record);
  if (key === undefined) return { departures: [{ path: String(stream.key), change: 'missing', sample: 'no key' }] };
  try {
    const seen = stream.since && parseInstant(stream.since.field(raw));
    if (stream.since && seen === undefined) return { departures: [unreadable('the watermark field is not a date')] };
    if (pick !== undefined) return pickParent(pick(checked.record), key);
    const parent = slice.parents?.[0];
    const delivered = stream.map ? stream.map(checked.record, { parent }) : checked.record;
    return { line: writeJson(delivered) ?? 'null', key, seen };
  } catch (error) {
    return { departures: [unreadable(error instanceof Error ? error.message : String(error))] };
  }
}

/** What the listings of a parent's children are told of it. */
function pickParent(parent: unknown, key: string): ReadRecord {
  if (parent === undefined || parent === null) return { departures: [unreadable('"each" picks nothing from it')] };
  return { line: writeJson(parent) ?? 'null', key, seen: undefined };
}

/** Of what stands there, only the last can be read. */
const comesTwice = (name: string): Departure => ({ path: name, change: 'retyped', sample: 'this name comes twice' });

/** What the schema lets pass, but the connector's own functions cannot read. */
const unreadable = (why: string): Departure => ({ path: '(record)', change: 'retyped', sample: why.slice(0, 60) });

const describe = ([first]: readonly Departure[]): string =>
  first === undefined ? 'no reason' : `"${first.path}" is ${first.change} (${first.sample})`;

/** The first 64 bits of the SHA-256 of a text: two of a million differing keys collide once in 37 million syncs. */
const fingerprint = (text: string): Buffer => hash('sha256', text, 'buffer').subarray(0, 8);

/** Two records at a page's edge are the same one if their keys are; a record without a key is compared whole. */
function edge(stream: Stream, raw: unknown): string {
  if (raw === undefined) return '';
  return fingerprint(recordKey(stream, raw) ?? writeJson(raw) ?? '').toString('base64url');
}
