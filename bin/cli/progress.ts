import * as z from 'zod';
import { type RunEvent, runEvent } from '../../lib/core/run-events.ts';

/** A line of a function that failed before its work began, as the runtime writes it. */
const crash = z.object({ errorType: z.string(), errorMessage: z.string() });

/** Seconds of waiting that somebody who looks at the terminal would wonder about. */
const NOTABLE = 10;

/** What a log line says of trouble that is no page's own: the work is tried again, but should be known. */
function troubleOf(json: unknown, event: RunEvent | undefined): string | undefined {
  const failed = event?.message === 'task failed' ? event.reason : crash.safeParse(json).data?.errorMessage;
  return failed === undefined ? undefined : `a worker failed, its work is tried again: ${failed}`;
}

/** What it says of an API that has to be left alone: for everybody, or for longer than a message can wait. */
function patienceOf(event: RunEvent | undefined): string | undefined {
  if (event?.message === 'sync parked') return `${event.stream} waits until ${event.until}`;
  if (event?.message !== 'meter held' || event.seconds < NOTABLE) return undefined;
  const why = event.reason === 'silence' ? 'the API does not answer' : 'the API asks for patience';
  return `${why}: the next request leaves in ${event.seconds} s`;
}

type Standing = { pages: number; records: number; planned?: number; refused: number; setAside: number; note: string };

export type Progress = {
  /** Takes a log line; what it cannot read is none of its business. */
  readonly take: (json: unknown) => void;
  /** A stream's sync is closed: it is no longer shown. */
  readonly closed: (stream: string) => void;
  readonly end: () => void;
};

/** How often plain lines are written. */
const PLAIN_EVERY = 1_000;
const TERMINAL_EVERY = 100;

/** Where progress is shown: a terminal, or anything else that can be written to. */
type Screen = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };

/** Shows how far each stream is: one changing line on a terminal, a plain line every second elsewhere. */
export function showProgress(out: Screen, streams: readonly string[]): Progress {
  const standing = new Map<string, Standing>(
    streams.map((stream) => [stream, { pages: 0, records: 0, refused: 0, setAside: 0, note: '' }]),
  );
  const open = new Set(streams);
  const told = new Set<string>();
  const tell = (news: string): void => {
    const [first = ''] = news.split('\n');
    if (first === '' || told.has(first)) return;
    told.add(first);
    out.write(`${out.isTTY ? '\r\u001b[K' : ''}${first}\n`);
  };
  let shown = '';
  const show = (): void => {
    const text = [...open].map((stream) => describe(stream, standing.get(stream))).join('  ·  ');
    if (text === shown) return;
    shown = text;
    if (out.isTTY) out.write(`\r\u001b[K${text.slice(0, (out.columns ?? 80) - 1)}`);
    else if (text !== '') out.write(`${text}\n`);
  };
  const timer = setInterval(show, out.isTTY ? TERMINAL_EVERY : PLAIN_EVERY);
  return {
    take(json) {
      const event = runEvent.safeParse(json).data;
      tell(troubleOf(json, event) ?? patienceOf(event) ?? '');
      const found = event !== undefined && 'stream' in event ? standing.get(event.stream) : undefined;
      if (event !== undefined && found !== undefined) note(found, event);
    },
    closed(stream) {
      open.delete(stream);
      if (out.isTTY) out.write('\r\u001b[K');
      shown = '';
    },
    end() {
      clearInterval(timer);
      if (out.isTTY) out.write('\r\u001b[K');
    },
  };
}

function note(standing: Standing, read: RunEvent): void {
  switch (read.message) {
    case 'planned':
      standing.planned = read.pages;
      break;
    case 'pages fetched':
      standing.pages += read.pages;
      standing.records += read.records;
      standing.note = '';
      break;
    case 'pages refused':
      standing.refused += read.pages;
      standing.note = read.reason;
      break;
    case 'page set aside':
      standing.setAside += 1;
      break;
  }
}

function describe(stream: string, standing: Standing | undefined): string {
  if (standing === undefined) return stream;
  const { pages, planned, records, refused, setAside, note } = standing;
  const of = planned === undefined ? '' : ` of ${number(Math.max(planned, pages))}`;
  const trouble = [
    refused > 0 ? `${number(refused)} refused` : '',
    setAside > 0 ? `${number(setAside)} set aside` : '',
    note,
  ].filter((text) => text !== '');
  return `${stream}: ${number(pages)}${of} pages, ${number(records)} records${trouble.length > 0 ? ` (${trouble.join(', ')})` : ''}`;
}

const format = new Intl.NumberFormat('en');
const number = (value: number): string => format.format(value);
