/** Sees everything that is handed to the ports it watches: what is written down, wherever. */
export type Witness = {
  watch<T extends object>(port: T): T;
  /** All of it, as one text. */
  readonly seen: () => string;
};

export function witness(): Witness {
  const seen: unknown[][] = [];
  return {
    watch: (port) =>
      new Proxy(port, {
        get(target, name) {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== 'function') return method;
          return (...input: unknown[]) => {
            seen.push(input);
            return Reflect.apply(method, target, input);
          };
        },
      }),
    seen: () => seen.map((input) => JSON.stringify(input, (_, value: unknown) => plain(value))).join('\n'),
  };
}

/** Sets and bytes as text. */
function plain(value: unknown): unknown {
  if (value instanceof Set) return [...value];
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}
