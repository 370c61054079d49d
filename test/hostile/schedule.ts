import { seededRandom } from '../memory/random.ts';
import type { Row } from './rows.ts';

/** What one schedule does to the rows between requests: it inserts, deletes and, where records may move, moves. */
export function schedule(seed: number, moves: boolean) {
  const random = seededRandom(seed);
  const pick = (most: number): number => Math.floor(random.number() * most);
  const rate = 0.02 + random.number() * 0.3;
  const most = 1 + pick(12);
  let made = 0;
  const seen: (readonly Row[])[] = [];
  const change = (rows: readonly Row[]): readonly Row[] => {
    let changed = rows;
    // Between two requests nothing happens, or more than one thing.
    while (made < most && random.number() < rate) {
      made += 1;
      const at = pick(changed.length);
      const row = changed[at];
      const kind = random.number();
      if (kind < 0.5 || row === undefined) changed = changed.toSpliced(at, 0, between(changed, at, made));
      else if (moves && kind < 0.7) changed = [...changed.toSpliced(at, 1), row];
      else changed = changed.toSpliced(at, 1 + pick(3));
    }
    seen.push(changed);
    return changed;
  };
  /** The rows that were there all the time. */
  const throughout = (): number[] => {
    const [first = [], ...others] = seen;
    const sets = others.map((rows) => new Set(rows.map(({ id }) => id)));
    return first.map(({ id }) => id).filter((id) => sets.every((set) => set.has(id)));
  };
  return { change, throughout, changes: () => made, records: 30 + pick(120) };
}

/** A new row, with a number that keeps the order of numbers. */
function between(rows: readonly Row[], at: number, salt: number): Row {
  const [before, after] = [rows[at - 1]?.id ?? 0, rows[at]?.id ?? 1_000_000];
  return { id: before + (after - before) / (2 + salt / 100), at: rows[at]?.at ?? 0 };
}
