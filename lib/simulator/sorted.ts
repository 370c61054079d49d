/** Whether one key comes before the other. Keys of different kinds have no order. */
export const isBefore = (one: unknown, other: unknown): boolean =>
  (typeof one === 'string' && typeof other === 'string' && one < other) ||
  (typeof one === 'number' && typeof other === 'number' && one < other);

/** The first whole number in `[low, high)` for which the test holds, if it holds for all that follow; otherwise `high`. */
export function firstWhere(low: number, high: number, test: (index: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (test(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}
