import { DAY, MINUTE, SECOND } from '../core/time.ts';

/** One way to write a point in time as text, in UTC. `resolution` (milliseconds): what is finer is lost. */
export type DateForm = {
  readonly write: (millis: number) => string;
  /** Regular expression for what `write` gives. */
  readonly pattern: string;
  readonly read: (text: string) => number;
  readonly resolution: number;
};

const iso = (millis: number) => new Date(millis).toISOString();
const DATE = '\\d{4}-\\d\\d-\\d\\d';
const TIME = '\\d\\d:\\d\\d:\\d\\d';

const withMillis: DateForm = { write: iso, pattern: `${DATE}T${TIME}\\.\\d{3}Z`, read: Date.parse, resolution: 1 };
const withZone: DateForm = {
  write: (millis) => `${iso(millis).slice(0, 19)}Z`,
  pattern: `${DATE}T${TIME}Z`,
  read: Date.parse,
  resolution: SECOND,
};
const withoutZone: DateForm = {
  write: (millis) => iso(millis).slice(0, 19),
  pattern: `${DATE}T${TIME}`,
  read: (text) => Date.parse(`${text}Z`),
  resolution: SECOND,
};
const spaced: DateForm = {
  write: (millis) => iso(millis).slice(0, 19).replace('T', ' '),
  pattern: `${DATE} ${TIME}`,
  read: (text) => Date.parse(`${text.replace(' ', 'T')}Z`),
  resolution: SECOND,
};
const toTheMinute: DateForm = {
  write: (millis) => iso(millis).slice(0, 16).replace('T', ' '),
  pattern: `${DATE} \\d\\d:\\d\\d`,
  read: (text) => Date.parse(`${text.replace(' ', 'T')}Z`),
  resolution: MINUTE,
};
const epochMillis: DateForm = { write: String, pattern: '-?\\d+', read: Number, resolution: 1 };
const day: DateForm = {
  write: (millis) => iso(millis).slice(0, 10),
  pattern: DATE,
  read: Date.parse,
  resolution: DAY,
};
const epochSeconds: DateForm = {
  write: (millis) => String(Math.floor(millis / SECOND)),
  pattern: '-?\\d+',
  read: (text) => Number(text) * SECOND,
  resolution: SECOND,
};

/** How requests write dates. The longest first: some are the beginning of others. */
export const requestDates: readonly DateForm[] = [
  withMillis,
  withZone,
  withoutZone,
  spaced,
  toTheMinute,
  epochMillis,
  day,
  epochSeconds,
];

/** How records write dates: what stands in the record, and how exact it is. The finest and most usual first. */
export const recordDates: readonly {
  readonly value: (millis: number) => string | number;
  readonly resolution: number;
}[] = [
  { value: withMillis.write, resolution: 1 },
  { value: withZone.write, resolution: SECOND },
  { value: (millis) => Math.floor(millis / SECOND), resolution: SECOND },
  { value: (millis) => millis, resolution: 1 },
  { value: withoutZone.write, resolution: SECOND },
  { value: spaced.write, resolution: SECOND },
  { value: epochSeconds.write, resolution: SECOND },
  { value: epochMillis.write, resolution: 1 },
  { value: day.write, resolution: DAY },
];

/** A point in time as a form of this resolution can tell it. */
export const roundedDown = (millis: number, resolution: number): number => Math.floor(millis / resolution) * resolution;

/** When the first record of a stream was changed, and how much later each next one. */
export const FIRST_CHANGE = Date.UTC(2020, 0, 1);
export const BETWEEN_CHANGES = 10 * SECOND;
