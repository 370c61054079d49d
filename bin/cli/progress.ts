import { createLogUpdate } from 'log-update';
import * as z from 'zod';
import type { Connector, Raw } from '../../lib/core/connector/connector.ts';
import { type RunEvent, runEvent } from '../../lib/core/run-events.ts';
import { MINUTE, SECOND } from '../../lib/core/time.ts';
import {
  durationText,
  type LimitUse,
  limitShare,
  newProgress,
  noteEvent,
  plainLine,
  requestRate,
  type StreamLine,
  type StreamProgress,
  standText,
  terminalLines,
} from './stream-progress.ts';

/** A line of a function that failed before its work began, as the runtime writes it. */
const crash = z.object({ errorType: z.string(), errorMessage: z.string() });

/** Seconds of waiting that somebody who reads the lines would wonder about. */
const NOTABLE = 10;
/** Milliseconds between two looks: on a terminal, and elsewhere. */
const TERMINAL_EVERY = 100;
const PLAIN_EVERY = 10 * SECOND;
/** After so long without a word of a stream it waits for an answer. */
const SILENT = 5 * SECOND;
/** From this share of a limit on the limit is what is waited for. */
const FULL = 0.9;

/** What a log line says of trouble that is no page's own: the work is tried again, but should be known. */
function troubleOf(json: unknown, event: RunEvent | undefined): string | undefined {
  const failed = event?.message === 'task failed' ? event.reason : crash.safeParse(json).data?.errorMessage;
  return failed === undefined ? undefined : `a worker failed, its work is tried again: ${failed}`;
}

/** What it says of an API that has to be left alone: for everybody, or for longer than a message can wait. */
function patienceOf(event: RunEvent | undefined): string | undefined {
  if (event?.message === 'sync parked') return `${event.stream} waits until ${event.until}`;
  if (event?.message !== 'meter held' || event.seconds < NOTABLE) return undefined;
  return `${HOLDS[event.reason]}: the next request leaves in ${event.seconds} s`;
}

const HOLDS = { silence: 'the API does not answer', refused: 'the API asks for patience' } as const;

export type Progress = {
  /** Takes a log line; what it cannot read is none of its business. */
  readonly take: (json: unknown) => void;
  /** A stream's sync is closed: it is no longer shown. */
  readonly closed: (stream: string) => void;
  readonly end: () => void;
};

/** Where progress is shown: a terminal, or anything else that can be written to. */
type Screen = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** What is shown of: the streams of a run, and the limits that hold for them. */
export type Watched = { readonly streams: readonly string[]; readonly uses: readonly LimitUse[] };

/** The limits of these streams for a connection. Those that cannot be computed are in the receipt's reasons, and here they are none. */
export function watchedStreams(connector: Connector, params: Raw, streams: readonly string[]): Watched {
  const costs = new Map(streams.map((name) => [name, connector.streams[name]?.cost ?? 1]));
  const costOf = (name: string, { points }: LimitUse['limit']): number =>
    points === undefined ? 1 : (costs.get(name) ?? 1);
  const use = (limit: LimitUse['limit'], names: readonly string[]): LimitUse => ({
    limit,
    streams: new Map(names.map((name) => [name, costOf(name, limit)])),
  });
  const own = streams.flatMap((name) => (connector.streams[name]?.limits ?? []).map((limit) => use(limit, [name])));
  return { streams, uses: [...limitsOf(connector, params).map((limit) => use(limit, streams)), ...own] };
}

function limitsOf(connector: Connector, params: Raw): readonly LimitUse['limit'][] {
  try {
    return connector.limits({ params });
  } catch {
    return [];
  }
}

/** Writes each event that a function logs, as it is; what is no event is a metric. */
export const logLines = (out: Screen): Progress => ({
  take: (json) => z.object({ message: z.string() }).safeParse(json).success && out.write(`${JSON.stringify(json)}\n`),
  closed: () => {},
  end: () => {},
});

/**
 * Shows how far each stream is. On a terminal: a line of each that changes in place. Elsewhere: a line with its time when something has changed,
 * at most every ten seconds. What somebody should know is told once, at once.
 */
export function showProgress(out: Screen, { streams, uses }: Watched): Progress {
  // What comes before the first word of a stream is the stack's start, and no part of a rate.
  let since: number | undefined;
  const all = new Map<string, StreamProgress>(streams.map((stream) => [stream, newProgress]));
  const open = new Set(streams);
  let held = { until: 0, why: '' };
  let heardAt = Date.now();
  const lineOf = (stream: string): StreamLine => {
    const now = Date.now();
    const [from, progress] = [since ?? now, all.get(stream) ?? newProgress];
    const share = limitShare(stream, all, { uses, since: from, now });
    const waits = waitText({ progress, held, share, silence: now - heardAt }, now);
    return { stream, progress, rate: requestRate(progress, from, now), share, waits };
  };
  const display = out.isTTY ? onTerminal(out) : inPlainLines(out);
  const show = () => display.show([...open].map(lineOf));
  const timer = setInterval(show, out.isTTY ? TERMINAL_EVERY : PLAIN_EVERY);
  const told = new Set<string>();
  const tell = (news: string): void => {
    const [first = ''] = news.split('\n');
    if (first === '' || told.has(first)) return;
    told.add(first);
    display.tell(first);
  };
  return {
    take(json) {
      const event = runEvent.safeParse(json).data;
      if (event?.message === 'meter held')
        held = { until: Date.now() + event.seconds * SECOND, why: HOLDS[event.reason] };
      tell(troubleOf(json, event) ?? patienceOf(event) ?? '');
      const found = event !== undefined && 'stream' in event ? all.get(event.stream) : undefined;
      if (event === undefined || found === undefined || !('stream' in event)) return;
      heardAt = Date.now();
      since ??= heardAt;
      all.set(event.stream, noteEvent(found, event, heardAt));
    },
    closed(stream) {
      open.delete(stream);
      display.clear();
    },
    end() {
      clearInterval(timer);
      display.clear();
      display.end();
    },
  };
}

type Waiting = {
  readonly progress: StreamProgress;
  readonly held: { readonly until: number; readonly why: string };
  readonly share: number | undefined;
  readonly silence: number;
};

/** What a stream waits for at this time. */
function waitText({ progress, held, share = 0, silence }: Waiting, now: number): string {
  if (progress.parkedUntil > now) return `waits until ${new Date(progress.parkedUntil).toISOString()}`;
  if (held.until > now) return `${held.why}, ${durationText(held.until - now)}`;
  if (share >= FULL) return 'waits for its limit';
  return silence > SILENT ? 'waits for an answer' : '';
}

/** Two ways to show lines. `clear`: something else is about to be written. */
type Display = {
  show(lines: readonly StreamLine[]): void;
  tell(news: string): void;
  clear(): void;
  end(): void;
};

function onTerminal(out: Screen): Display {
  const block = createLogUpdate(out);
  return {
    show: (lines) => block(terminalLines(lines, out.columns ?? 80)),
    tell(news) {
      block.clear();
      out.write(`${news}\n`);
    },
    clear: block.clear,
    end: block.done,
  };
}

function inPlainLines(out: Screen): Display {
  const shown = new Map<string, { readonly stand: string; readonly at: number }>();
  const write = (text: string) => out.write(`${new Date().toISOString().slice(0, 19)}Z ${text}\n`);
  return {
    show(lines) {
      for (const line of lines) {
        const stand = standText(line);
        const { stand: before, at = 0 } = shown.get(line.stream) ?? {};
        // What waits is told again each minute: nothing waits in silence.
        if (before === stand && (line.waits === '' || Date.now() - at < MINUTE)) continue;
        shown.set(line.stream, { stand, at: Date.now() });
        write(plainLine(line));
      }
    },
    tell: write,
    clear: () => {},
    end: () => {},
  };
}
