import * as z from 'zod';
import { readRanges } from '../../core/listing/listing.ts';
import { readDoubts } from '../../core/listing/page-doubts.ts';
import { readJson } from '../../core/response/json.ts';
import type { Clause } from '../ports.ts';

/** The items of the Syncs table: their keys, and a schema for each. Numbers of time are epoch milliseconds. */

const names = z.set(z.string());
const millis = z.number();
/** Of a chain by keyset: what its pages showed of the values that they go on from. */
const ties = z.enum(['tied', 'inclusive']).optional();

/** A stream of a connection, across its syncs. */
export const streamState = z.object({
  /** Which account everything else here is known of, and the sync that began with it in the place of another one. */
  account: z.string().optional(),
  accountSync: z.string().optional(),
  /** The highest committed value of the watermark field, ISO 8601. */
  watermark: z.string().optional(),
  /** Dates of its records name no time zone, and the stream names none for them. */
  zoneless: z.boolean().default(false),
  /** What the watermark is, where it is no date: of a number its digits. */
  marked: z.enum(['number', 'token']).optional(),
  /** The sync that is running, and its scheduled time. Only its own close frees the stream. */
  current: z.string().optional(),
  at: z.string().optional(),
  /** What an operator asked the running sync for, where it is not what changed: everything (`full`), or what changed since a date. */
  asked: z.string().optional(),
  lastTick: z.string().optional(),
  lastClosed: z.string().optional(),
  /** The latest sync that got everything, as far as can be told: whatever failed before it is obsolete. */
  lastCommitted: z.string().optional(),
  /** The latest full one of them. */
  lastFullCommitted: z.string().optional(),
  lastCompleteAt: millis.optional(),
  /** Since when its records may lack something: the start of the last sync that committed, or of the first one. Absent before the first sync. */
  freshAt: millis.optional(),
  /** How many records of a listing the API lets be read, as a sync found out, and when. */
  limit: z.number().optional(),
  limitAt: millis.default(0),
  /** When the last full sync began that was complete. */
  lastFullAt: millis.optional(),
  /** Ticks that found a sync running. */
  skipped: z.number().default(0),
  /** Records of the last full sync that was complete, and of a later one that had fewer than half of them. */
  fullRecords: z.number().optional(),
  shrunkTo: z.number().optional(),
});
export type StreamState = z.output<typeof streamState>;

/** One sync. Everything a request of it depends on is fixed here when it starts. */
export const syncState = z.object({
  status: z.enum(['open', 'closing', 'closed']),
  at: z.string(),
  mode: z.enum(['full', 'incremental']),
  /** The window that is asked for: from included, to excluded. */
  from: millis,
  to: millis,
  watermark: z.string().optional(),
  /** What an operator asked it for, where it is not what changed: one that takes its place is asked for the same. */
  asked: z.string().optional(),
  /** By number or by token: what it asks from. Absent in a full sync. */
  mark: z.string().optional(),
  deadline: millis,
  startedAt: millis,
  /** Which account it reads, and whether its stream had read another one before. */
  account: z.string().optional(),
  otherAccount: z.boolean().default(false),
  /** The connector's `revision` that it began with. */
  declared: z.number().default(1),
  /** How its stream was listed when it began. */
  shape: z.string().optional(),
  /** Why it ends unfinished: a deployment changed what it was reading. */
  superseded: z.string().optional(),
  /** How many records of a listing the API lets be read, where an earlier sync or a slice of this one found out. */
  limit: z.number().optional(),
  /** Revision of the receipt: each phase has its own. */
  revision: z.number().default(1),
  /** The phase that began it. Later ones read again, before the receipt, what moved. */
  revised: z.number().default(0),
  /** Records of earlier full syncs, as they stood when it began. */
  fullRecords: z.number().optional(),
  shrunkTo: z.number().optional(),
  /** Why a person accepts what it lacks, and when that was. */
  accepted: z.string().optional(),
  acceptedAt: millis.default(0),
  /** How often pages that did not agree with their neighbours were read again since. */
  repairs: z.number().default(0),
  /** The share of pages that the second look asks for, where it is spread over many listings. */
  sample: z.number().optional(),
  /** How often what is missing was asked for again after a close. */
  phase: z.number().default(0),
  /** How often housekeeping has sent again what is open without progress since. */
  rounds: z.number().default(0),
  roundAt: millis.default(0),
  /** Its tasks wait for a meter for longer than messages can: until then nothing of it is in the queue. */
  parkedUntil: millis.optional(),
});
export type SyncState = z.output<typeof syncState>;

/** That a sync is still in this phase: a worker that writes for one must not touch a later one. The first phase is not written down. */
export const inPhase = (phase: number): Clause => (phase === 0 ? { absent: 'phase' } : { equal: ['phase', phase] });

/** What every node counts: requests that left, answers that asked for patience, pages that had to be asked for again. */
const counted = {
  /** Time of the last write. */
  at: millis,
  /** When pages of it came last: what failed is no progress. */
  came: millis.default(0),
  requests: z.number().default(0),
  throttled: z.number().default(0),
  retried: z.number().default(0),
  parts: names.default(new Set()),
};

/** The slice that a node lists. */
const sliced = {
  /** The stream whose listing it is, where it is not the sync's own but a parent's. */
  of: z.string().optional(),
  from: millis,
  to: millis,
  /** The parents whose children it lists: a JSON list. */
  parents: z.string().optional(),
  /** The file of a job that it reads (JSON). */
  file: z.string().optional(),
  /** The round of repair in which it reads again what moved. */
  repair: z.number().default(0),
  /** How often it was begun again, because its cursor had expired. */
  restarts: z.number().default(0),
  /** It is walked by the stream's `slices.byKey`. */
  byKey: z.boolean().default(false),
  /** Records came that are not of its window: narrower ones would bring the same. */
  stray: z.boolean().default(false),
};

/** What opens its children as others of them are done, a bounded number at once. */
const opening = {
  /** Children that are not done. */
  open: names.default(new Set()),
  /** Children whose tasks may not have been sent yet. */
  unsent: names.default(new Set()),
  opened: z.number(),
  /** Who opened the last ones. */
  opener: z.string().optional(),
  /** Of a later phase: what failed in earlier ones, and is opened first. Pages of a listing, children of a group. */
  again: z
    .string()
    .default('')
    .transform((text) => readRanges(text)),
  /** Housekeeping has given it up: nothing more is opened. */
  stopped: z.boolean().default(false),
};

/** Listings of their own, opened one after the other: of the windows that its own is cut into, or of the parents or files that its first child found. */
const groupState = z.object({
  kind: z.literal('group'),
  ...counted,
  ...sliced,
  ...opening,
  over: z.enum(['windows', 'parents', 'files']),
  /** Of windows: how wide each is. */
  width: millis.default(0),
  /** Of parents and files: the last part of them that was opened whole, and how many lines of the next one were. */
  after: z.string().default(''),
  line: z.number().default(0),
  /** How many of the children that it has again have been opened. */
  redone: z.number().default(0),
  /** Of a second look over many listings: the share of their pages that it asks for, from 0 to 1. */
  sample: z.number().default(1),
  /** Of parents: all of them have been opened. */
  exhausted: z.boolean().default(false),
});
/** A numbered listing; its children are blocks. */
const listingState = z.object({
  kind: z.literal('listing'),
  ...counted,
  ...sliced,
  ...opening,
  covered: z.number(),
  announced: z.number().optional(),
  /** The API does not let all of its pages be read. */
  limited: z.boolean().default(false),
  /** What its first page told is known. */
  told: z.boolean().default(false),
  /** How many records a page has, where the API gives fewer than it is asked for. */
  size: z.number().optional(),
  end: z.number().optional(),
  /** The block that was opened last. */
  last: z.string().optional(),
  /** The greatest index of a page that came with records, where an earlier one was short or empty. */
  filled: z.number().optional(),
  /** Where no total tells it: its end was looked for after the last record. */
  proven: z.boolean().default(false),
  /** The last full page was asked for at the start: a sentinel, which shows at the end what moved before it. */
  sentinel: z.boolean().default(false),
  /** Its pages are read only to be compared with an earlier reading; of a chain, by these cursors (JSON, by index). */
  look: z.boolean().default(false),
  cursors: z.string().optional(),
  /** Pages of blocks of which none came. */
  barren: z.number().default(0),
  /** A page of it failed for good. */
  broken: z.boolean().default(false),
});
/** A run of pages. */
const blockState = z.object({
  kind: z.literal('block'),
  ...counted,
  /** Of a block after the last record: its first page, and where that begins. */
  first: z.number().optional(),
  offset: z.number().optional(),
  /** Its pages are read only to be compared with another reading. */
  look: z.boolean().default(false),
  open: names.default(new Set()),
  failed: names.default(new Set()),
});
/** A listing that is walked page after page. */
const chainState = z.object({
  kind: z.literal('chain'),
  ...counted,
  ...sliced,
  /** Where it stands; absent before the first page. */
  cursor: z.string().optional(),
  /** Cursor remembered to detect a loop. */
  remembered: z.string().optional(),
  /** What the last page held, and how many in a row held the same. */
  seen: z.string().optional(),
  ties,
  /** What it remembers of its pages for the one that may be the last (core/listing/chain-end.ts). */
  trail: z.string().optional(),
  /** Pages that are committed, and their records. */
  step: z.number(),
  records: z.number().default(0),
  /** When its first pages were committed: a cursor may have a lifetime. */
  began: millis.optional(),
  lease: millis.default(0),
  owner: z.string().optional(),
  ended: z.enum(['end', 'failed']).optional(),
  /** It asks for nothing, and goes over the parts with quarantined records instead: its steps are these. */
  maps: z.boolean().default(false),
});
export const nodeState = z.discriminatedUnion('kind', [groupState, listingState, blockState, chainState]);
export type Group = z.output<typeof groupState>;
export type Listing = z.output<typeof listingState>;
export type Block = z.output<typeof blockState>;
export type Chain = z.output<typeof chainState>;
export type Node = z.output<typeof nodeState>;

/** A block whose pages are counted from the last record of the listing, wherever that stood: its first page, and where that begins. */
export type Tail = { readonly first: number; readonly offset: number };
export const tailOf = ({ first, offset }: Block): Tail | undefined =>
  first === undefined || offset === undefined ? undefined : { first, offset };

/** The parents whose children a node lists; `undefined` where it has none. */
export const parseParents = ({ parents }: { parents?: string | undefined }): readonly unknown[] | undefined =>
  parents === undefined ? undefined : z.array(z.unknown()).parse(readJson(parents));

/** What a part knows of one of its pages: index, records, fingerprints of the first and the last record's key, and of the set of all keys. */
export type PageEntry = readonly [
  index: number,
  records: number,
  first: string,
  last: string,
  keys?: string | undefined,
];
const pageEntries = z.array(z.tuple([z.number(), z.number(), z.string(), z.string(), z.string().optional()]));

/** A stored object of records. It counts only if a node holds its id. */
export const partState = z.object({
  node: z.string(),
  /** The stream it is of, where it lists parents: then it is not delivered. */
  of: z.string().optional(),
  /** Page entries as JSON: nested values have no place in an item. */
  pages: z.string().transform((text): PageEntry[] => pageEntries.parse(JSON.parse(text))),
  key: z.string(),
  bytes: z.number(),
  /** The fingerprints of its records' keys, Base64, where there are few; else they lie beside the part. */
  keys: z.string().optional(),
  fetched: z.number(),
  delivered: z.number(),
  quarantined: z.number(),
  /** Records dropped because the neighbouring page brings them. */
  repeated: z.number(),
  /** The least and the greatest total the API stated on these pages. */
  leastTotal: z.number().optional(),
  greatestTotal: z.number().optional(),
  /** About how many records the listing has, by the stream's inexact count. */
  estimate: z.number().optional(),
  /** The latest date of a record that lies in the future, where one does. */
  future: millis.optional(),
  /** Dates of records name no time zone, and the stream names none for them. */
  zoneless: z.boolean().default(false),
  /** Pages that a rule of the connector took for pages: why, and how many. As JSON. */
  notes: z
    .string()
    .default('{}')
    .transform((text) => z.record(z.string(), z.int()).parse(JSON.parse(text))),
  /** Highest value of the watermark field: a date, or a number. */
  highest: z.number().optional(),
  /** What the page that ends a chain gives for the next sync. */
  token: z.string().optional(),
  /** Of records that were mapped again: the place of their listing, and the key of the part that quarantined them. */
  place: z.string().optional(),
  instead: z.string().optional(),
  /** Chains only: where the chain stands after these pages; absent at its end. */
  next: z.string().optional(),
  remembered: z.string().optional(),
  seen: z.string().optional(),
  ties,
  /** Chains only: it brought records that are not of the window. */
  stray: z.boolean().default(false),
  trail: z.string().optional(),
  /** Chains only: what led to each page (JSON), where it is little; else it lies beside the part. */
  cursors: z.string().optional(),
  /** It was read only to be compared: it is delivered only if it holds something else. */
  look: z.boolean().default(false),
  /** What its pages say against their listing (core/listing/page-doubts.ts). */
  doubts: z
    .string()
    .optional()
    .transform((text) => (text === undefined ? [] : readDoubts(text))),
  /** Set when the chain ends with this part. */
  last: z.boolean().default(false),
});
export type Part = z.output<typeof partState>;

/** A page that was set aside. */
export const failedPageState = z.object({
  node: z.string(),
  page: z.number(),
  code: z.string(),
  message: z.string(),
  attempts: z.number(),
  /** Method and URL of what was asked last, its status, and when it was set aside (ISO 8601). */
  request: z.string().optional(),
  status: z.number().optional(),
  at: z.string().optional(),
  /** Key of the kept response in the bucket. */
  response: z.string().optional(),
  /** The page that came and could not be read, whole. */
  kept: z.string().optional(),
});
export type FailedPage = z.output<typeof failedPageState>;

/** One way in which records of a sync depart from their schema. */
export const schemaDriftState = z.object({
  path: z.string(),
  change: z.enum(['missing', 'retyped', 'unknown']),
  sample: z.string(),
  /** Index of the page that showed it first. */
  page: z.number(),
});
