/**
 * Text that matches a regular expression. Knows literals, classes, groups, alternatives (takes the first) and
 * quantifiers; anything else (look-around, back references) is not understood.
 */

/** The characters that each position may hold, in ascending order. */
export type Positions = readonly (readonly string[])[];

const range = (from: string, to: string): string[] => {
  const [first = 0, last = 0] = [from.codePointAt(0), to.codePointAt(0)];
  return Array.from({ length: last - first + 1 }, (_, offset) => String.fromCodePoint(first + offset));
};
const DIGITS = range('0', '9');
const LETTERS_AND_DIGITS = [...DIGITS, ...range('A', 'Z'), ...range('a', 'z')];
const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  d: DIGITS,
  w: LETTERS_AND_DIGITS,
  s: [' '],
  S: LETTERS_AND_DIGITS,
  D: range('a', 'z'),
  t: ['\t'],
  n: ['\n'],
};

/** The positions of a text for this pattern, or `undefined` if it is not understood. `width`: how often `*` and `+` repeat. */
export function positionsOf(pattern: string, width: number): Positions | undefined {
  const units = [...pattern];
  let next = 0;
  const peek = () => units[next];
  const take = () => units[next++];
  const takeIf = (unit: string) => peek() === unit && take() !== undefined;

  /** Reads alternatives up to the end of the group; the first one counts. */
  function group(): Positions | undefined {
    const first = sequence();
    while (takeIf('|')) if (sequence() === undefined) return undefined;
    return first;
  }

  function sequence(): Positions | undefined {
    const found: (readonly string[])[] = [];
    while (peek() !== undefined && peek() !== '|' && peek() !== ')') {
      const part = atom();
      const times = part && quantifier();
      if (times === undefined) return undefined;
      for (let time = 0; time < times; time += 1) found.push(...(part ?? []));
    }
    return found;
  }

  function atom(): Positions | undefined {
    const unit = take() ?? '';
    if (unit === '^' || unit === '$') return [];
    if (unit === '.') return [LETTERS_AND_DIGITS];
    if (unit === '[') return charClass();
    if (unit === '\\') return escaped();
    if (unit !== '(') return [[unit]];
    if (takeIf('?') && !takeIf(':')) return undefined;
    const inside = group();
    return takeIf(')') ? inside : undefined;
  }

  function escaped(): Positions | undefined {
    const unit = take() ?? '';
    const special = SPECIAL[unit];
    if (special !== undefined) return [special];
    return /[A-Za-z0-9]/.test(unit) ? undefined : [[unit]];
  }

  function charClass(): Positions | undefined {
    const not = takeIf('^');
    const members = new Set<string>();
    while (peek() !== undefined && peek() !== ']') {
      const low = take() ?? '';
      const one = low === '\\' ? escaped()?.[0] : [low];
      if (one === undefined) return undefined;
      const isRange = one.length === 1 && units[next + 1] !== ']' && takeIf('-');
      for (const member of isRange ? range(one[0] ?? '', take() ?? '') : one) members.add(member);
    }
    if (!takeIf(']')) return undefined;
    const allowed = not ? LETTERS_AND_DIGITS.filter((unit) => !members.has(unit)) : [...members].sort();
    return allowed.length > 0 ? [allowed] : undefined;
  }

  function quantifier(): number | undefined {
    const times = repeats();
    takeIf('?');
    return times;
  }

  function repeats(): number | undefined {
    if (takeIf('?')) return 0;
    if (takeIf('*')) return width;
    if (takeIf('+')) return Math.max(1, width);
    if (!takeIf('{')) return 1;
    let bounds = '';
    while (peek() !== undefined && !takeIf('}')) bounds += take();
    const [least, most = least] = bounds.split(',');
    if (most === '') return Math.max(Number(least), width);
    return Math.max(Number(least), Math.min(Number(most), width));
  }

  const positions = group();
  return next === units.length ? positions : undefined;
}

/** The text whose number is `number`: ascending texts for ascending numbers, until the positions are used up. */
export function textAt(positions: Positions, number: number): string {
  let rest = number;
  return positions.reduceRight((text, choices) => {
    const unit = choices[rest % choices.length] ?? '';
    rest = Math.floor(rest / choices.length);
    return unit + text;
  }, '');
}

/** How many different texts {@link textAt} can make. */
export const capacityOf = (positions: Positions): number =>
  positions.reduce((capacity, choices) => capacity * choices.length, 1);
