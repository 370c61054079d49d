import type { JsonSchema } from './json-schema.ts';

/** Where numbers that identify records begin: of equal length for the first billion, so that they sort as text, too. */
const FIRST_NUMBER = 1_000_000_000;

/**
 * Numbers that fit the node, rising, at least `amount` different ones, or `undefined`. Numbers that may be broken and
 * need not identify a record have two decimals.
 */
export function numbers(
  node: JsonSchema,
  amount: number,
  { rising }: { rising: boolean },
): ((number: number) => number) | undefined {
  const step = node.multipleOf ?? (node.type === 'integer' || rising ? 1 : 0.01);
  const lowest = Math.max(node.minimum ?? -Infinity, exclusive(node.exclusiveMinimum, -Infinity) + step);
  const highest = Math.min(node.maximum ?? Infinity, exclusive(node.exclusiveMaximum, Infinity) - step);
  /** Counted in steps, so that broken steps do not add up their errors. */
  const first = Math.ceil(lowest / step - ROUNDING);
  const last = Math.floor(highest / step + ROUNDING);
  const begin = [rising ? Math.ceil(FIRST_NUMBER / step) : 0, first, last - amount + 1].find(
    (start) => Number.isFinite(start) && start >= first && start + amount - 1 <= last,
  );
  if (begin === undefined) return undefined;
  if (Number.isInteger(step)) return (number) => (begin + number) * step;
  return (number) => Number(((begin + number) * step).toFixed(10));
}

/** More than the error of a division by a broken step: 0.7 / 0.1 is a little less than 7. */
const ROUNDING = 1e-9;
const exclusive = (bound: number | boolean | undefined, none: number) => (typeof bound === 'number' ? bound : none);
