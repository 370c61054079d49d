/** What a worker remembers from one invocation to the next. All of it may be lost at any time. Each file keeps its own part of it. */
export type Memory = object;

export const newMemory = (): Memory => ({});

/** A part of every worker's memory: made when it is first asked for, gone with the worker. */
export function remembered<T>(make: () => T): (of: { readonly memory: Memory }) => T {
  const parts = new WeakMap<Memory, { readonly part: T }>();
  return ({ memory }) => {
    const found = parts.get(memory) ?? { part: make() };
    parts.set(memory, found);
    return found.part;
  };
}
