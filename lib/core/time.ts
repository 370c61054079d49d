/** Time: every duration in the project is in milliseconds unless its name says otherwise. */

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A duration as people write it: `'5 minutes'`, `'1 day'`. */
export type Span = `${number} ${'second' | 'minute' | 'hour' | 'day'}${'' | 's'}`;

const UNITS = { second: SECOND, minute: MINUTE, hour: HOUR, day: DAY } as const;
const isUnit = (word: string): word is keyof typeof UNITS => Object.hasOwn(UNITS, word);

/** Milliseconds of a span, or `undefined` if the text is not one. Zero is a span; a negative number is not. */
export function parseSpan(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) (second|minute|hour|day)s?$/.exec(text) ?? [];
  return amount !== undefined && isUnit(unit) ? Number(amount) * UNITS[unit] : undefined;
}

export const isSpan = (text: unknown): text is Span => typeof text === 'string' && parseSpan(text) !== undefined;

/** Milliseconds of a span that a connector declared. Throws on a text that is no span: a bug in the connector. */
export function span(text: Span): number {
  const millis = parseSpan(text);
  if (millis === undefined)
    throw new Error(`"${text}" is not a duration. Write a number and a unit, like "5 minutes".`);
  return millis;
}
