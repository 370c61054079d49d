import { intercept } from './intercept.ts';

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
      intercept(port, (_, input, call) => {
        seen.push([...input]);
        return call();
      }),
    seen: () => seen.map((input) => JSON.stringify(input, (_, value: unknown) => plain(value))).join('\n'),
  };
}

/** Sets and bytes as text. */
function plain(value: unknown): unknown {
  if (value instanceof Set) return [...value];
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}
