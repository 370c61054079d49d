import type { Objects } from '../../lib/pipeline/ports.ts';

export type MemoryObjects = Objects & {
  /** What is stored, by key, with what was said of its content. */
  readonly stored: ReadonlyMap<
    string,
    { readonly body: Uint8Array; readonly type: string; readonly encoding?: 'gzip' }
  >;
};

/** A bucket in memory. */
export function memoryObjects(): MemoryObjects {
  const stored = new Map<string, { body: Uint8Array; type: string; encoding?: 'gzip' }>();
  return {
    stored,
    async create(key, body, content) {
      if (stored.has(key)) return false;
      stored.set(key, { body: body.slice(), ...content });
      return true;
    },
    get: async (key) => stored.get(key)?.body.slice(),
  };
}
