import type { Connector, Stream } from '../core/connector/connector.ts';
import type { SyncRef } from '../core/tasks.ts';
import { SECOND } from '../core/time.ts';
import type { Ports, Settings } from './ports.ts';

/** One invocation of a function: what it works for, and with. */
export type Invocation = Ports & {
  readonly connector: Connector;
  readonly settings: Settings;
  readonly memory: WorkerMemory;
  /** Milliseconds until the function would be cut off. */
  readonly remaining: () => number;
  /** Milliseconds the whole invocation has. */
  readonly budget: number;
};

/** An invocation's work for one connection. */
export type ConnectionContext = Invocation & { readonly connection: string };
/** An invocation's work on one sync. */
export type SyncContext = Invocation & { readonly ref: SyncRef };
/** An invocation's work on one node of a sync's tree. `path`: where the node stands, as store/sync-keys.ts writes it. */
export type NodeContext = SyncContext & { readonly path: string };

export const forConnection = (invocation: Invocation, connection: string): ConnectionContext => ({
  ...invocation,
  connection,
});
export const forSync = (invocation: Invocation, ref: SyncRef): SyncContext => ({ ...invocation, ref });
/** The context of a node of the same sync. It keeps what else the context knows. */
export const atNode = <C extends SyncContext>(context: C, path: string): C & NodeContext => ({ ...context, path });

/** Time kept for storing what was fetched and for reporting back. */
export const STORE_MARGIN = 5 * SECOND;

/** Whether new pages may still be begun: 60 % of the time is for beginning, the rest for ending what was begun. */
export const mayBeginPages = ({ remaining, budget }: Invocation): boolean => remaining() > 0.4 * budget;

/** The stream of a task; `undefined` if the connector no longer declares it. */
export const streamOf = ({ connector }: Invocation, name: string): Stream | undefined =>
  Object.hasOwn(connector.streams, name) ? connector.streams[name] : undefined;

/** What a worker remembers from one invocation to the next. All of it may be lost at any time. Each file keeps its own part of it. */
export type WorkerMemory = object;

export const newWorkerMemory = (): WorkerMemory => ({});

/** A part of every worker's memory: made when it is first asked for, gone with the worker. */
export function workerCache<T>(make: () => T): (of: { readonly memory: WorkerMemory }) => T {
  const parts = new WeakMap<WorkerMemory, { readonly part: T }>();
  return ({ memory }) => {
    const found = parts.get(memory) ?? { part: make() };
    parts.set(memory, found);
    return found.part;
  };
}

/**
 * The names that a worker came upon last, `most` of them at the most: says of each whether it is the first time. One that has been forgotten is
 * new again.
 */
export function firstTimeOf(most: number): (of: { readonly memory: WorkerMemory }, name: string) => boolean {
  const known = workerCache(() => new Set<string>());
  return (of, name) => {
    const names = known(of);
    if (names.has(name)) return false;
    names.add(name);
    const [oldest] = names;
    if (names.size > most && oldest !== undefined) names.delete(oldest);
    return true;
  };
}
