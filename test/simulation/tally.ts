/** How often each thing was exercised. */
export type Tally = {
  count(what: string, times?: number): void;
  readonly counts: ReadonlyMap<string, number>;
};

export function tally(): Tally {
  const counts = new Map<string, number>();
  return {
    counts,
    count(what, times = 1) {
      counts.set(what, (counts.get(what) ?? 0) + times);
    },
  };
}
