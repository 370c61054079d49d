import { withoutKey } from '../../core/auth/authorise.ts';
import { bytesOf, LONGEST_CURSOR } from '../../core/bounds.ts';
import { readsPortions, type Stream } from '../../core/connector/connector.ts';
import { isSparse } from '../../core/connector/paging.ts';
import { stopsAtWindow } from '../../core/connector/probe.ts';
import { dateMark } from '../../core/connector/since.ts';
import { parseInstant } from '../../core/dates.ts';
import {
  type ChainStep,
  chainPage,
  detectLoop,
  detectStandstill,
  detectTies,
  nextCursor,
} from '../../core/listing/chain.ts';
import { decideChainEnd } from '../../core/listing/chain-end.ts';
import { doubt } from '../../core/listing/page-doubts.ts';
import { exceedsReadLimit, keepsWindow, type Slice } from '../../core/listing/slice.ts';
import { writeJson } from '../../core/response/json.ts';
import type { Reason } from '../../core/response/judge.ts';
import { saysPartial } from '../../core/response/partial.ts';
import { span } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import { holdMemory, type MemoryHolding } from '../limits/memory-budget.ts';
import { readKeptPage } from '../records/kept-page.ts';
import { type PageContent, pageFingerprint, readRecords } from '../records/read-records.ts';
import { fetchFile } from '../requests/fetch-file.ts';
import { askedOf, fetchPage, streamAsked } from '../requests/fetch-page.ts';
import {
  type FetchedPage,
  type PageRefusal,
  type PageResult,
  refusePage,
  requestsOf,
  unsentRefusal,
} from '../requests/fetched-page.ts';
import type { ListedSlice } from '../store/slices.ts';
import { syncKey } from '../store/sync-keys.ts';
import type { Chain } from '../store/sync-state.ts';
import { REFUSED_PAGE_STATUSES, readLimitOf, restartListing, splitWindow } from '../tree/replace-listing.ts';
import { takeJobAnswer } from './job-answer.ts';
import { CHANGED, fileAfter, isSameFile, positionOf, readPortion } from './portions.ts';
import { type BufferedPages, CHAIN_PATIENCE, type ChainBlocked, type ChainWalk, type OpenFile } from './reading.ts';
import { remapPart } from './remap-records.ts';

/** `insists`: it was asked for before, and is taken though it has no records. `holding`: what is held for longer than a page. */
type NextPage = { readonly chain: Chain; readonly insists: boolean; readonly holding: MemoryHolding };

/** Fetches the next page and moves `ahead` past it, or says why it cannot be taken. */
export async function readNextPage(
  walk: ChainWalk,
  { chain, insists, holding }: NextPage,
  ahead: BufferedPages,
): Promise<ChainBlocked | undefined> {
  if (chain.maps) return mapNext(walk, chain, ahead);
  const { listed, account, meters, setup, sync } = walk;
  const { stream, slice } = listed;
  const index = chain.step + ahead.contents.length;
  const { stray } = ahead;
  if (hasExpired(walk, stream, chain)) return expired(listed, chain, unsentRefusal(EXPIRED));
  const url = stream.paging.kind === 'links' ? ahead.cursor : undefined;
  const inPortions = readsPortions(stream);
  // What is kept of a page has no other portions.
  if (ahead.contents.length === 0 && !inPortions) {
    const kept = await readKeptPage(walk, index, {
      stream: streamAsked(stream, askedOf(stream, slice, chainPage(stream, ahead.cursor))),
    });
    if (kept !== undefined && takePage(walk, ahead, { fetched: kept, index, insists: true }) === undefined)
      return undefined;
  }
  using held = holdMemory(walk);
  const position = positionOf(inPortions ? ahead.cursor : undefined);
  const place = {
    ...{ account, stream, slice, setup, meters, patience: CHAIN_PATIENCE, holding: inPortions ? holding : held },
    ...{ first: index === 0, at: chainPage(stream, ahead.cursor), url },
    ...(inPortions ? { portion: { from: position.from } } : {}),
  };
  const { job, file } = listed;
  const open = ahead.file?.next === position.from ? ahead.file : undefined;
  const fetched = (): Promise<PageResult> =>
    job === undefined || file === undefined ? fetchPage(walk, place) : fetchFile(walk, place, { paging: job, file });
  const result = open === undefined ? await fetched() : readPortion(walk, open);
  if ('refusal' in result) {
    const { refusal } = result;
    if (index === 0 && refusal.expired && sync.mark !== undefined && listed.file === undefined) {
      await askForAll(walk);
      return expired(listed, chain, refusal);
    }
    if (index > 0 && refusal.expired) return expired(listed, chain, refusal); // R27
    const narrower = index > 0 && isBeyond(refusal) ? splitWindow(listed, { byKey: chain.byKey, stray }) : undefined;
    return narrower === undefined
      ? { refusal }
      : { instead: { ...narrower, limit: ahead.records }, requests: requestsOf([refusal]) };
  }
  const { page } = result;
  if (open === undefined && !isSameFile(page, position)) return expired(listed, chain, refusePage(page, CHANGED));
  const isJob = job !== undefined && file === undefined;
  const refusal = isJob
    ? takeJobAnswer(walk, ahead, { paging: job, page, index, began: chain.began })
    : takePage(walk, ahead, { fetched: page, index, insists, open });
  if (refusal !== undefined) return { refusal };
  if (isJob) return undefined;
  const endsFull = ahead.ended && 'size' in stream.paging && page.records.length >= stream.paging.size;
  const length = { stated: page.total ?? page.estimate, read: ahead.records, endsFull };
  if (!exceedsReadLimit(readLimitOf(listed, sync), length)) return undefined;
  const narrower = splitWindow(listed, { byKey: chain.byKey, stray: ahead.stray });
  return narrower && { instead: { ...narrower, ...(endsFull ? { limit: ahead.records } : {}) }, requests: 0 };
}

type TakenPage = {
  readonly fetched: FetchedPage;
  readonly index: number;
  readonly insists: boolean;
  /** The body of which it is a portion, where that was at hand. */
  readonly open?: OpenFile | undefined;
};

/** Moves `ahead` past a page, or says why it cannot be taken. */
function takePage(
  walk: ChainWalk,
  ahead: BufferedPages,
  { fetched, index, insists, open }: TakenPage,
): PageRefusal | undefined {
  const { stream, slice } = walk.listed;
  const stops = walk.sync.mode === 'incremental' && stopsAtWindow(stream);
  // What it states is of the whole listing, of which only the beginning is read.
  const page = stops ? { ...fetched, total: undefined, estimate: undefined } : fetched;
  const content = readRecords(page, index, {
    ...{ listed: walk.listed, mode: walk.settings.SCHEMA_MODE, overlaps: false, startedAt: walk.sync.to },
  });
  if ('code' in content) return refusePage(page, content);
  const rest = fileAfter(page, open);
  ahead.file = rest?.file;
  if (rest !== undefined) {
    ahead.contents.push({ ...content, cursor: ahead.cursor });
    ahead.cursor = rest.cursor;
    ahead.records += content.fetched;
    return undefined;
  }
  const refusal = follow(walk, ahead, { page, content, insists });
  if (refusal !== undefined) return refusal;
  if (stops && isBeforeWindow(stream, slice, page)) {
    ahead.ended = true;
    ahead.cursor = undefined;
  }
  ahead.records += content.fetched;
  ahead.stray ||= !keepsWindow(walk.listed.slice, content);
  return undefined;
}

/** Whether each record of a page changed before the window. */
function isBeforeWindow({ since }: Stream, { from }: Slice, { records }: FetchedPage): boolean {
  return records.length > 0 && records.every((record) => (changedAt(since, record) ?? from) < from);
}

function changedAt(since: Stream['since'], record: unknown): number | undefined {
  try {
    const dated = dateMark(since);
    return parseInstant(dated?.field(record), dated?.zone);
  } catch {
    return undefined;
  }
}

/** Statuses by which APIs say that there is no such page. */
const isBeyond = ({ heals, exchange }: PageRefusal): boolean =>
  !heals && REFUSED_PAGE_STATUSES.has(exchange?.status ?? 0);

const EXPIRED: Reason = { code: 'expired', message: 'what leads to the next page has expired' };

function hasExpired({ clock }: Invocation, { paging }: Stream, { began }: Chain): boolean {
  const lifetime = 'expires' in paging && paging.expires !== undefined ? span(paging.expires) : undefined;
  return lifetime !== undefined && began !== undefined && clock.now() - began >= lifetime;
}

/** The API no longer knows what the sync goes on from: the sync becomes a full one. Nothing of it has been read yet. */
async function askForAll({ syncs, connector, ref, log }: ChainWalk): Promise<void> {
  await syncs.update(syncKey(connector.name, ref), { set: { mode: 'full' }, remove: ['mark'] }, [
    { equal: ['status', 'open'] },
  ]);
  log.warn('the token has expired: everything is asked for', { ...ref });
}

/** A chain whose cursor has expired begins again, unless it has done so too often. */
function expired(listed: ListedSlice, chain: Chain, refusal: PageRefusal): ChainBlocked {
  const instead = restartListing(listed, chain);
  return instead === undefined ? { refusal } : { instead, requests: requestsOf([refusal]) };
}

/** The next part that has quarantined records. */
async function mapNext(walk: ChainWalk, { step }: Chain, ahead: BufferedPages): Promise<ChainBlocked | undefined> {
  const mapped = await remapPart(walk, step);
  if ('reason' in mapped) return { refusal: unsentRefusal(mapped.reason) };
  ahead.contents.push(mapped.content);
  ahead.ended = mapped.last;
  return undefined;
}

const DENIED: Reason = {
  code: 'empty-page',
  message: 'the API says that there is nothing here, though the page before led here',
};

const STANDSTILL: Reason = {
  code: 'loop',
  message:
    'the same page comes again and again, each time by another cursor: the API may not understand the one it is given',
};

const TIE: Reason = {
  code: 'tie',
  message:
    'two records have the same value to go on from, and the next page begins after both, so others that have it are on no page',
};

const partial = (detail: string): string => `the response is only a part of what was asked for (${detail})`;

const HOLE: Reason = { code: 'empty-page', message: 'the page is empty, though it leads on' };

const tooLongToFollow = (bytes: number): Reason => ({
  code: 'stuck',
  message: `what leads to the next page must have at most ${LONGEST_CURSOR} bytes (got ${bytes})`,
});

function follow(
  { connector, listed: { stream, slice } }: ChainWalk,
  ahead: BufferedPages,
  { page, content, insists }: { readonly page: FetchedPage; readonly content: PageContent; readonly insists: boolean },
): PageRefusal | undefined {
  const hasNothing = page.empty || page.reply.body === undefined;
  // The page before has said that there is more. But a parent may vanish while its children are listed, and the API say so.
  if (hasNothing && content.index > 0 && !(page.empty && slice.parents !== undefined))
    return { ...refusePage(page, DENIED), heals: true };
  const { stands, remember: seen } = detectStandstill(
    stream,
    { fingerprint: pageFingerprint(content), records: content.fetched },
    ahead.seen,
  );
  if (stands) return refusePage(page, STANDSTILL); // R25
  const { passes, ties } = detectTies(stream, page.records, ahead.cursor, ahead.ties);
  if (passes) return refusePage(page, TIE);
  const asked = askedOf(stream, slice, chainPage(stream, ahead.cursor));
  const found: ChainStep = hasNothing
    ? { is: 'end', by: 'explicit' }
    : nextCursor(stream, page.reply, page.records, page.url, asked);
  const token = tokenOf(stream, page);
  // A page that gives what the next sync begins with says by it that it is the last one, unless others gave it and led on.
  const isLast = typeof token === 'string' && ahead.trail.tokens !== true;
  const step: ChainStep = found.is === 'end' && found.by === 'absent' && isLast ? { is: 'end', by: 'explicit' } : found;
  if (step.is === 'stuck') return { ...refusePage(page, { code: 'stuck', message: step.message }), heals: step.heals };
  if (step.is === 'next' && page.records.length === 0 && !insists && !isSparse(stream.paging))
    return { ...refusePage(page, HOLE), heals: true };
  const part = saysPartial(page.reply, page.records, stream.paging.kind === 'one');
  if (part !== undefined && !insists)
    return { ...refusePage(page, { code: 'partial', message: partial(part) }), heals: true };
  const led = ahead.cursor;
  const decision = decideChainEnd(
    {
      ...{ stream, step, reply: page.reply, records: page.records, index: content.index },
      ...{ cursor: ahead.cursor, url: page.url, read: ahead.records + content.fetched },
    },
    ahead.trail,
  );
  if (decision.cursor === undefined) {
    ahead.ended = true;
    ahead.cursor = undefined;
  } else {
    const cursor = stream.paging.kind === 'links' ? withoutKey(connector.auth, decision.cursor) : decision.cursor;
    const bytes = bytesOf(cursor);
    if (bytes > LONGEST_CURSOR) return refusePage(page, tooLongToFollow(bytes));
    const { loop, remember } = detectLoop(content.index + 1, cursor, ahead.remembered);
    if (loop) return refusePage(page, { code: 'loop', message: 'the next cursor is one that was followed before' });
    ahead.cursor = cursor;
    ahead.remembered = remember;
  }
  ahead.trail = !ahead.ended && isLast ? { ...decision.trail, tokens: true } : decision.trail;
  const doubts = part === undefined ? decision.doubts : [...decision.doubts, doubt('partial', part, content.index)];
  ahead.seen = seen;
  ahead.ties = ties;
  if (ahead.ended && typeof token === 'object') return refusePage(page, token);
  const given = ahead.ended && typeof token === 'string' ? token : undefined;
  ahead.contents.push({ ...content, token: given, cursor: led, doubts: [...content.doubts, ...doubts] });
  return undefined;
}

/** A token stands in an item of the table beside others. */
const LONGEST_TOKEN = 16 * 1_024;

/** What the page that ends a chain gives for the next sync; or why it cannot be read. */
function tokenOf({ since }: Stream, { reply }: FetchedPage): string | undefined | Reason {
  if (since === undefined || !('token' in since)) return undefined;
  try {
    const token: unknown = since.token(reply);
    if (token === undefined || token === null || token === '') return undefined;
    if (typeof token === 'string' && token.length <= LONGEST_TOKEN) return token;
    const got = typeof token === 'string' ? `${token.length} characters` : (writeJson(token) ?? '').slice(0, 60);
    return {
      code: 'bad-token',
      message: `"since.token" must give text of at most ${LONGEST_TOKEN} characters (got ${got})`,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { code: 'bad-token', message: `"since.token" cannot be read from the last page: ${why}` };
  }
}
