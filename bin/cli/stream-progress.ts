import { type Limit, resolveLimit } from '../../lib/core/limits/limits.ts';
import type { RunEvent } from '../../lib/core/run-events.ts';
import { HOUR, MINUTE, SECOND, span } from '../../lib/core/time.ts';

/** How far one stream is, by what its functions logged. */
export type StreamProgress = {
  readonly pages: number;
  readonly records: number;
  /** Pages of the stream's listing, as its first page tells. `undefined`: it does not, or the stream has several listings. */
  readonly planned: number | undefined;
  readonly listings: number;
  /** Pages that were asked for to be compared. */
  readonly looked: number;
  readonly refused: number;
  readonly setAside: number;
  /** Why the last answer was no page, until one is. */
  readonly trouble: string;
  /** Its limits leave no room until then: epoch milliseconds. */
  readonly parkedUntil: number;
  /** Requests in each second of the last ten minutes. */
  readonly sent: readonly SentInSecond[];
};
type SentInSecond = { readonly second: number; readonly requests: number };

export const newProgress: StreamProgress = {
  ...{
    pages: 0,
    records: 0,
    planned: undefined,
    listings: 0,
    looked: 0,
    refused: 0,
    setAside: 0,
    trouble: '',
    parkedUntil: 0,
  },
  sent: [],
};

/** So long requests are remembered, to tell how much of a limit is used. */
const REMEMBERED = 10 * MINUTE;
/** Over so long a rate is taken, at most. */
const RATE_SPAN = 10 * SECOND;

/** What a stream's progress becomes by an event of it. */
export function noteEvent(before: StreamProgress, event: RunEvent, now: number): StreamProgress {
  switch (event.message) {
    case 'planned':
      return { ...before, planned: before.listings === 0 ? event.pages : undefined, listings: before.listings + 1 };
    case 'pages fetched': {
      const after = { ...before, trouble: '', parkedUntil: 0, sent: withSent(before, event.pages, now) };
      if (event.look) return { ...after, looked: before.looked + event.pages };
      return { ...after, pages: before.pages + event.pages, records: before.records + event.records };
    }
    case 'pages refused':
      return {
        ...before,
        refused: before.refused + event.pages,
        trouble: event.reason,
        sent: withSent(before, event.pages, now),
      };
    case 'page set aside':
      return { ...before, setAside: before.setAside + 1 };
    case 'sync parked':
      return { ...before, parkedUntil: Date.parse(event.until) };
    default:
      return before;
  }
}

function withSent({ sent }: StreamProgress, requests: number, now: number): readonly SentInSecond[] {
  const second = Math.floor(now / SECOND) * SECOND;
  const last = sent.at(-1);
  if (last?.second === second) return [...sent.slice(0, -1), { second, requests: last.requests + requests }];
  return [...sent.filter((each) => each.second > now - REMEMBERED), { second, requests }];
}

/** Requests within so many milliseconds before now: of a second that began before that, its part. */
const sentWithin = ({ sent }: StreamProgress, length: number, now: number): number =>
  sent.reduce((sum, { second, requests }) => {
    const part = (second + SECOND - (now - length)) / SECOND;
    return sum + requests * Math.max(0, Math.min(1, part));
  }, 0);

/** Requests a second. `since`: when the run began. */
export function requestRate(progress: StreamProgress, since: number, now: number): number {
  const length = Math.max(SECOND, Math.min(RATE_SPAN, now - since));
  return (sentWithin(progress, length, now) / length) * SECOND;
}

/** A limit, and the streams that use it up, each with what its requests cost. */
export type LimitUse = { readonly limit: Limit; readonly streams: ReadonlyMap<string, number> };

/** The part of the tightest limit that a stream's requests, and those of others under it, use up; `undefined`: it has none. */
export function limitShare(
  stream: string,
  all: ReadonlyMap<string, StreamProgress>,
  { uses, since, now }: { readonly uses: readonly LimitUse[]; readonly since: number; readonly now: number },
): number | undefined {
  const shares = uses
    .filter(({ streams }) => streams.has(stream))
    .map(({ limit, streams }) => {
      const { length, units, spacing } = paceOf(limit, [...streams.values()]);
      const watched = Math.min(now - since, Math.max(RATE_SPAN, Math.min(REMEMBERED, 5 * spacing)));
      const used = [...streams].reduce(
        (sum, [name, cost]) => sum + cost * sentWithin(all.get(name) ?? newProgress, watched, now),
        0,
      );
      return used / Math.max(1, limit.window === 'fixed' ? units : (watched / length) * units);
    });
  return shares.length === 0 ? undefined : Math.min(1, Math.max(...shares));
}

/** Units in the limit's window that are ours, as its meter reckons, and milliseconds from one to the next. */
function paceOf(limit: Limit, costs: readonly number[]) {
  const length = span(limit.per);
  const resolved = resolveLimit(limit, Math.max(...costs), costs);
  const units = resolved.window === 'fixed' ? resolved.units : (length * 1_000) / resolved.interval;
  return { length, units, spacing: length / units };
}

const format = new Intl.NumberFormat('en');
const number = (value: number): string => format.format(value);

/** A duration in its largest unit, rounded up: `34 s`, `2 min`, `3 h`. */
export function durationText(millis: number): string {
  if (millis < 2 * MINUTE) return `${Math.max(0, Math.ceil(millis / SECOND))} s`;
  return millis < 2 * HOUR ? `${Math.ceil(millis / MINUTE)} min` : `${Math.ceil(millis / HOUR)} h`;
}

/** What is to be said of a stream. `waits`: what for, or nothing. */
export type StreamLine = {
  readonly stream: string;
  readonly progress: StreamProgress;
  readonly rate: number;
  readonly share: number | undefined;
  readonly waits: string;
};

const pagesText = ({ pages, planned }: StreamProgress): string =>
  planned === undefined ? `${number(pages)} pages` : `${number(pages)} of ${number(Math.max(planned, pages))} pages`;

const troubleText = ({ looked, refused, setAside, trouble }: StreamProgress): string =>
  [
    looked > 0 ? `${number(looked)} for the second look` : '',
    refused > 0 ? `${number(refused)} refused` : '',
    setAside > 0 ? `${number(setAside)} set aside` : '',
    trouble.split('\n')[0] ?? '',
  ]
    .filter((text) => text !== '')
    .join(', ');

/** How far a stream is, without how fast: two that are the same tell nothing new. */
export function standText({ stream, progress, waits }: StreamLine): string {
  const notes = [troubleText(progress), waits].filter((text) => text !== '').join('; ');
  return `${stream}: ${pagesText(progress)}, ${number(progress.records)} records${notes === '' ? '' : ` (${notes})`}`;
}

const rateText = ({ rate, share }: StreamLine): string =>
  [`${rate.toFixed(1)}/s`, share === undefined ? '' : `limit ${Math.round(share * 100)} %`]
    .filter((text) => text !== '')
    .join(', ');

/** A line for a log: how far, and how fast. */
export const plainLine = (line: StreamLine): string => `${standText(line)}, ${rateText(line)}`;

const BAR = 16;
const LONGEST_NAME = 20;

/** Lines for a terminal of so many columns: a bar, pages, rate, the share of the limit, and what is waited for. */
export function terminalLines(lines: readonly StreamLine[], columns: number): string {
  const names = Math.min(LONGEST_NAME, Math.max(0, ...lines.map(({ stream }) => stream.length)));
  const pages = Math.max(0, ...lines.map(({ progress }) => pagesText(progress).length));
  const rates = Math.max(0, ...lines.map((line) => rateText(line).length));
  return lines
    .map((line) => {
      const { stream, progress, waits } = line;
      const told = [
        fit(stream, names).padEnd(names),
        barOf(progress),
        pagesText(progress).padStart(pages),
        rateText(line).padEnd(rates),
        [waits, troubleText(progress)].filter((text) => text !== '').join('; '),
      ];
      return fit(told.join('  ').trimEnd(), columns - 1);
    })
    .join('\n');
}

/** Without a plan it is unknown how much is left. */
function barOf({ pages, planned }: StreamProgress): string {
  if (planned === undefined || planned === 0) return '·'.repeat(BAR);
  const full = Math.round(Math.min(1, pages / planned) * BAR);
  return '█'.repeat(full) + '░'.repeat(BAR - full);
}

const fit = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
