import * as z from 'zod';
import { MINUTE, SECOND } from '../core/time.ts';
import { type LoadJob, type LoadOutcome, loadStreams } from './load.ts';
import type { Warehouse } from './warehouse.ts';

/** A message of the queue: an event `Sync closed`, as EventBridge hands it on. */
export type AnnouncedSync = {
  readonly id: string;
  readonly body: string;
  /** How often it has been received, from 1. */
  readonly receives: number;
};

export type AnnouncedLoad = Omit<LoadJob, 'warehouse' | 'streams' | 'connection'> & {
  readonly open: () => Promise<Warehouse>;
  readonly onOutcome: (outcome: LoadOutcome) => void;
  readonly onError: (error: unknown) => void;
};

/** `later`: milliseconds until the message is wanted again. `failed`: nothing can be made of it. */
export type AnnouncedOutcome = 'done' | 'failed' | { readonly later: number };

const announcement = z.object({
  detail: z.object({ connector: z.string(), connection: z.string(), stream: z.string() }),
});
type AnnouncedStream = z.output<typeof announcement>['detail'];

/**
 * Loads what a batch of events announces: of each stream all that is new, so that an event that was lost, doubled or late changes nothing.
 * A stream that cannot be loaded holds up no other one. Gives what becomes of each message.
 */
export async function loadAnnounced(
  load: AnnouncedLoad,
  messages: readonly AnnouncedSync[],
): Promise<Map<string, AnnouncedOutcome>> {
  const outcomes = new Map<string, AnnouncedOutcome>();
  const read = messages.map((message) => ({ message, detail: readAnnouncement(message.body) }));
  for (const { message, detail } of read) if (detail === undefined) outcomes.set(message.id, 'failed');
  const streams = Map.groupBy(
    read.flatMap(({ message, detail }) => (detail === undefined ? [] : [{ message, detail }])),
    ({ detail: { connection, stream } }) => JSON.stringify([connection, stream]),
  );
  for (const group of streams.values()) {
    const done = group[0] === undefined || (await loadOne(load, group[0].detail));
    for (const { message } of group) outcomes.set(message.id, done ? 'done' : { later: laterBy(message.receives) });
  }
  return outcomes;
}

async function loadOne(
  { open, onOutcome, onError, ...job }: AnnouncedLoad,
  { connector, connection, stream }: AnnouncedStream,
): Promise<boolean> {
  // The stream may be gone from the connector meanwhile.
  if (connector !== job.connector.name || job.connector.streams[stream] === undefined) return true;
  try {
    const warehouse = await open();
    try {
      for await (const outcome of loadStreams({ ...job, warehouse, connection, streams: [stream] })) onOutcome(outcome);
    } finally {
      await warehouse.close();
    }
    return true;
  } catch (error) {
    onError(error);
    return false;
  }
}

function readAnnouncement(body: string): AnnouncedStream | undefined {
  try {
    return announcement.parse(JSON.parse(body)).detail;
  } catch {
    return undefined;
  }
}

const FIRST_WAIT = 30 * SECOND;
const LONGEST_WAIT = 30 * MINUTE;

/** Half a minute, doubled with each receipt of the message, up to half an hour: a database that is restarted or upgraded is waited for. */
const laterBy = (receives: number): number => Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(receives - 1, 10));
