import { span } from '../../lib/core/time.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { connectionState } from '../../lib/pipeline/credentials/account.ts';
import { forSync } from '../../lib/pipeline/invocation.ts';
import { readStream, readSync } from '../../lib/pipeline/sync/start-sync.ts';
import type { OperatedConnector } from './deployed-connector.ts';
import { latestReceipt } from './read-receipt.ts';

/** How one stream of one connection stands. */
export type StreamRow = {
  readonly connector: string;
  readonly connection: string;
  readonly stream: string;
  readonly status: string;
  /** Why it is paused. */
  readonly reason: string | null;
  /** Verdict of the last sync that was closed, why it is not COMPLETE, and where its receipt is. */
  readonly verdict: Receipt['verdict'] | null;
  readonly why: string | null;
  /** The reason for which somebody was content with it, if somebody was. */
  readonly accepted: string | null;
  readonly sync: string | null;
  /** Since when what was delivered may be out of date, ISO 8601; and that age in schedules: 1 is as it should be. */
  readonly freshAt: string | null;
  readonly staleness: number | null;
  /** The sync that runs, since when, and until when it waits for a limit. */
  readonly running: string | null;
  readonly runningSince: string | null;
  readonly waitsUntil: string | null;
};

/** How many streams are looked at at once. */
const AT_ONCE = 20;

/** Every stream of a connector's connections, or of one of them. */
export async function streamRows(connector: OperatedConnector, only?: string): Promise<StreamRow[]> {
  const places: { connection: string; item: object; stream: string }[] = [];
  for await (const { sk, ...item } of connector.connections.query(connector.connector.name, '')) {
    if (only !== undefined && sk !== only) continue;
    for (const stream of Object.keys(connector.connector.streams)) places.push({ connection: sk, item, stream });
  }
  const rows: StreamRow[] = [];
  const queue = places.entries();
  const lane = async (): Promise<void> => {
    for (const [index, place] of queue) rows[index] = await row(connector, place);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return rows;
}

async function row(
  connector: OperatedConnector,
  { connection, item, stream }: { connection: string; item: object; stream: string },
): Promise<StreamRow> {
  const ref = { connection, stream };
  const { status, reason } = connectionState.parse(item);
  const state = await readStream(forSync(connector, { ...ref, sync: '' }));
  const receipt =
    state.lastClosed === undefined ? undefined : await latestReceipt(connector, { ...ref, sync: state.lastClosed });
  const running =
    state.current === undefined ? undefined : await readSync(forSync(connector, { ...ref, sync: state.current }));
  const age = state.freshAt === undefined ? undefined : connector.clock.now() - state.freshAt;
  return {
    connector: connector.connector.name,
    connection,
    stream,
    status,
    reason: reason ?? null,
    verdict: receipt?.verdict ?? null,
    why: receipt?.reasons[0]?.message ?? null,
    accepted: receipt?.accepted?.reason ?? null,
    sync: state.lastClosed ?? null,
    freshAt: iso(state.freshAt),
    staleness: age === undefined ? null : Math.round((100 * age) / span(connector.connector.schedule(stream))) / 100,
    running: state.current ?? null,
    runningSince: iso(running?.startedAt),
    waitsUntil: iso(running?.parkedUntil),
  };
}

const iso = (millis: number | undefined): string | null =>
  millis === undefined ? null : new Date(millis).toISOString();
