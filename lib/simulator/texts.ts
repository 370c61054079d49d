import { DAY, HOUR } from '../core/time.ts';
import { BETWEEN_CHANGES, FIRST_CHANGE } from './dates.ts';
import { type JsonSchema, patternsOf } from './json-schema.ts';
import { capacityOf, positionsOf, textAt } from './pattern.ts';

/** A text for each number from 0. Except for words, the texts rise with their numbers and are of equal length. */
type Texts = (number: number) => string;

/** Not only ASCII: what is counted in characters and what is counted in bytes must differ somewhere. */
const WORDS = 'amber birch café delta ember fjord grün harbour indigo juniper Łódź 東京'.split(' ');
const words: Texts = (number) => `${WORDS[number % WORDS.length]} ${number}`;
const oneWord: Texts = (number) => WORDS[number % WORDS.length] ?? '';

/** Ten digits number more records than anybody simulates. */
const DIGITS = 10;
const digits =
  (width: number): Texts =>
  (number) =>
    String(number + 1).padStart(width, '0');
const name =
  (label: string): Texts =>
  (number) =>
    `${label}-${digits(DIGITS)(number)}`;

type Naming = { readonly label: string; readonly rising: boolean };
type Format = (naming: Naming) => readonly Texts[];

/** Dates that need not differ are spread over some years; those that must are as close together as they can be. */
const dates =
  (length: number, closest: number, ending = '') =>
  ({ rising }: Naming): Texts =>
  (number) =>
    new Date(FIRST_CHANGE + number * (rising ? closest : 3 * HOUR)).toISOString().slice(0, length) + ending;

/** The number first, so that the texts rise with it, and no letters: to many databases `A` and `a` are one digit here. */
const uuid =
  (version: number): Texts =>
  (number) =>
    `${digits(12)(number).replace(/^.{8}/, '$&-')}-${version}000-8000-000000000000`;

const FORMATS: Readonly<Record<string, Format>> = {
  'date-time': (naming) => [
    dates(24, BETWEEN_CHANGES)(naming),
    dates(19, BETWEEN_CHANGES, 'Z')(naming),
    dates(19, BETWEEN_CHANGES)(naming),
  ],
  date: (naming) => [dates(10, DAY)(naming)],
  uuid: () => [4, 7, 1, 2, 3, 5, 6, 8].map(uuid),
  email: ({ label }) => [(number) => `${name(label)(number)}@example.com`],
  uri: ({ label }) => [(number) => `https://example.com/${label}/${digits(DIGITS)(number)}`],
};

/** How often the repeats of a pattern are written out, until the text fits and there are enough of them. */
const WIDTHS = [DIGITS, 1, 3, 20, 40];

/**
 * Texts that fit the node, at least `amount` of them, or `undefined`. `rising`: no two are the same, and they sort as
 * their numbers do.
 */
export function texts(node: JsonSchema, amount: number, naming: Naming): Texts | undefined {
  const patterns = patternsOf(node);
  const { minLength = 0, maxLength = Infinity } = node;
  const fits = (text: string) =>
    text.length >= minLength && text.length <= maxLength && patterns.every((pattern) => pattern.test(text));
  const candidates = [
    ...(FORMATS[node.format ?? '']?.(naming) ?? []),
    ...(naming.rising ? [name(naming.label)] : [words, oneWord]),
    ...[DIGITS, minLength, maxLength].filter(Number.isFinite).map(digits),
    ...matching(patterns, amount),
  ];
  const first = Array.from({ length: Math.min(amount, WORDS.length) }, (_, at) => at);
  const numbers = [...first, ...first.map((at) => amount - 1 - at)];
  return candidates.find((candidate) => numbers.every((number) => fits(candidate(number))));
}

const matching = (patterns: readonly RegExp[], amount: number): Texts[] =>
  patterns
    .flatMap(({ source }) => WIDTHS.map((width) => positionsOf(source, width)))
    .filter((positions) => positions !== undefined && capacityOf(positions) >= amount)
    .map(
      (positions = []) =>
        (number) =>
          textAt(positions, number),
    );
