import * as z from 'zod';
import { failureSchema } from './failure.ts';

/** The version of the task format that is written. Readers take it and the one before it. */
export const TASK_VERSION = 1;

const connection = z.string().min(1);
const stream = z.string().min(1);
const sync = z.string().min(1);
/** How often the work of this task was already tried and failed, by earlier copies of the message. */
const attempts = z.int().min(0).default(0);
/** How often the API asked for patience instead, in a row. That is no attempt, unless others get what they ask for meanwhile. */
const refusals = z.int().min(0).default(0);
/** What an operator asked a sync for, other than what changed since the last one: everything, or what changed since a date. */
const asked = z.union([z.literal('full'), z.iso.datetime()]).optional();
/** Why the task lies in the failures queue; a task that is sent back from there still carries it. */
const failure = failureSchema.optional();

/**
 * The tasks that code of a version reads: its own, and those that the version before it wrote, which lie in the queue when it is deployed.
 * What it does not know it leaves alone: the message comes back, until code that knows it is deployed again. So whatever older code
 * could not read, a new field too, raises the version.
 */
export function taskSchemaOf(read: number) {
  const version = z.literal([read, read - 1]).transform(() => read);
  const tick = z.strictObject({
    v: version,
    kind: z.literal('tick'),
    stream,
    /** The scheduled time (ISO 8601): the sync's id is derived from it, so a tick that is delivered twice starts one sync. */
    at: z.iso.datetime({ offset: true }),
    /** Go on after this connection: a tick reads the connections in portions. */
    after: connection.optional(),
  });
  const start = z.strictObject({
    v: version,
    kind: z.literal('start'),
    connection,
    stream,
    at: z.iso.datetime(),
    asked,
  });
  const pages = z.strictObject({
    v: version,
    kind: z.literal('pages'),
    connection,
    stream,
    sync,
    /** Path of the block. */
    node: z.string(),
    /** First and last page index (from 0), both included; at most 10 pages. */
    from: z.int().min(0),
    to: z.int().min(0),
    attempts,
    refusals,
    failure,
  });
  const chain = z.strictObject({
    v: version,
    kind: z.literal('chain'),
    connection,
    stream,
    sync,
    /** Path of the chain. */
    node: z.string(),
    /** The step this task continues from. */
    step: z.int().min(0),
    attempts,
    failure,
  });
  const redrive = z.strictObject({
    v: version,
    kind: z.literal('redrive'),
    connection,
    stream,
    sync,
    /** The phase whose failures are asked for again, so that a duplicate does not ask a second time. */
    phase: z.int().min(0),
    /** Pages that failed are asked for again; records that were quarantined are mapped again. */
    what: z.enum(['pages', 'records']).default('pages'),
    /** Only these of the pages that failed, by their index. Default: all of them. */
    pages: z.array(z.int().min(0)).optional(),
  });
  const close = z.strictObject({ v: version, kind: z.literal('close'), connection, stream, sync });
  return z.discriminatedUnion('kind', [tick, start, pages, chain, redrive, close]);
}

/** One message on a connector's queue. A message is a hint; what is true stands in the tree. */
export const taskSchema = taskSchemaOf(TASK_VERSION);

export type Task = z.output<typeof taskSchema>;
export type TaskOf<K extends Task['kind']> = Extract<Task, { kind: K }>;

/** Which sync of which stream of which connection. */
export type SyncRef = { readonly connection: string; readonly stream: string; readonly sync: string };
export const refOf = ({ connection, stream, sync }: SyncRef): SyncRef => ({ connection, stream, sync });

export const pagesTask = (
  ref: SyncRef,
  node: string,
  { from, to }: { readonly from: number; readonly to: number },
): TaskOf<'pages'> => ({ v: TASK_VERSION, kind: 'pages', ...ref, node, from, to, attempts: 0, refusals: 0 });

export const chainTask = (ref: SyncRef, node: string, step: number, attempts = 0): TaskOf<'chain'> => ({
  v: TASK_VERSION,
  kind: 'chain',
  ...ref,
  node,
  step,
  attempts,
});
