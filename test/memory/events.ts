import type { Events } from '../../lib/pipeline/ports.ts';

export type MemoryEvents = Events & {
  /** What was published, oldest first; the detail as it would arrive, as JSON. */
  readonly published: readonly { readonly type: string; readonly detail: string }[];
};

export function memoryEvents(): MemoryEvents {
  const published: { type: string; detail: string }[] = [];
  return {
    published,
    publish: async (type, detail) => void published.push({ type, detail: JSON.stringify(detail) }),
  };
}
