import { HOUR, MINUTE, SECOND } from './time.ts';

/**
 * One point in time in the forms that APIs ask for: ISO 8601 in UTC with milliseconds, epoch seconds, epoch milliseconds, and `local`: date and time without
 * a zone, `2026-11-01T01:30:00`, in the time zone that the stream's `since.zone` names; UTC where it names none.
 */
export type Instant = {
  readonly iso: string;
  readonly seconds: number;
  readonly millis: number;
  readonly local: string;
};

/** `zone`: an IANA time zone name, such as `America/New_York`. Throws a `RangeError` for an unknown zone. */
export const instant = (millis: number, zone?: string): Instant => ({
  iso: new Date(millis).toISOString(),
  seconds: Math.floor(millis / SECOND),
  millis,
  local: localText(millis + (zone === undefined ? 0 : offsetOf(zone, millis))),
});

/**
 * The instant at which a window begins. Local time repeats an hour in autumn. Where the window holds that hour, `local` is the earliest text of the
 * window, so that a comparison of texts leaves no record out. `until`: the end of the window, epoch milliseconds.
 */
export function windowStart(millis: number, until: number, zone?: string): Instant {
  const start = instant(millis, zone);
  if (zone === undefined) return start;
  const fold = firstFold(zone, millis, until);
  if (fold === undefined) return start;
  const { local } = instant(fold, zone);
  return local < start.local ? { ...start, local } : start;
}

/** A date as an API wrote it. `zoneless`: it names no time zone, so the instant rests on the declared zone, or on UTC. */
export type ParsedDate = { readonly millis: number; readonly zoneless: boolean };

/** An epoch number below this is seconds, from it on milliseconds: as seconds it is the year 5138, as milliseconds March 1973. */
const SECONDS_BELOW = 1e11;
/** The least and the first too large epoch number that is a plausible date: 1973 in seconds, 2286 in milliseconds. Others are ids or counters. */
const LEAST_EPOCH = 1e8;
const TOO_LARGE_EPOCH = 1e13;

const EPOCH_TEXT = /^\d{9,13}(\.\d{1,9})?$/;
/** ISO 8601 (RFC 3339): a date, with or without a time, a fraction and a zone. Some APIs write a space for the `T`, and a zone without a colon. */
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))? ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$/;
/** RFC 9110 section 5.6.7 and RFC 5322 section 3.3: `Tue, 01 Dec 2026 10:00:00 GMT`, `1 Dec 2026 10:00:00 +0100`. */
const RFC = /^(?:[A-Z][a-z]{2,8},? )?\d{1,2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d(?::\d\d)? (?:GMT|UTC|Z|[+-]\d{4})$/;

/**
 * Reads a date as an API writes it: ISO 8601, the forms of HTTP and mail, or an epoch number of seconds or milliseconds, as number or as text of 9 to 13
 * digits. `zone`: the IANA zone of dates that name none; default UTC. A local time that comes twice is the earlier one: a watermark must not pass the
 * other. A value that is no plausible date, such as an id or a year alone, gives `undefined`.
 */
export function parseDate(value: unknown, zone?: string): ParsedDate | undefined {
  if (typeof value === 'number') return epochDate(value);
  if (typeof value !== 'string' || value.length > LONGEST_DATE) return undefined;
  const text = value.trim();
  if (EPOCH_TEXT.test(text)) return epochDate(Number(text));
  const iso = ISO.exec(text);
  if (iso !== null) return isoDate(iso, zone);
  return RFC.test(text) ? dated(Date.parse(text), false) : undefined;
}

const LONGEST_DATE = 64;

/** Epoch milliseconds of a date as an API writes it; `undefined` if it is not a date. */
export const parseInstant = (value: unknown, zone?: string): number | undefined => parseDate(value, zone)?.millis;

function epochDate(value: number): ParsedDate | undefined {
  if (!(value >= LEAST_EPOCH && value < TOO_LARGE_EPOCH)) return undefined;
  return dated(Math.round(value < SECONDS_BELOW ? value * SECOND : value), false);
}

function isoDate(
  [, day = '', time = '00:00', fraction = '0', zoned]: RegExpExecArray,
  zone: string | undefined,
): ParsedDate | undefined {
  const seconds = time.length === 5 ? `${time}:00` : time;
  const wall = `${day}T${seconds}.${fraction.slice(0, 3)}`;
  if (zoned !== undefined) return dated(Date.parse(`${wall}${zoneSuffix(zoned)}`), false);
  const utc = Date.parse(`${wall}Z`);
  if (zone === undefined || Number.isNaN(utc)) return dated(utc, true);
  return dated(earliestInstant(zone, utc), true);
}

const zoneSuffix = (zoned: string): string => {
  if (/^[a-z]/i.test(zoned)) return 'Z';
  return zoned.length === 3 ? `${zoned}:00` : zoned;
};

const dated = (millis: number, zoneless: boolean): ParsedDate | undefined =>
  Number.isNaN(millis) ? undefined : { millis, zoneless };

/** `utc`: a local time, read as if it were UTC. Zones differ from UTC by at most 14 hours, and their shifts by at most two. */
function earliestInstant(zone: string, utc: number): number {
  const candidates = [utc - offsetOf(zone, utc - 26 * HOUR), utc - offsetOf(zone, utc + 26 * HOUR)];
  const exact = candidates.filter((millis) => millis + offsetOf(zone, millis) === utc);
  return Math.min(...(exact.length > 0 ? exact : candidates));
}

const localText = (shifted: number): string => new Date(shifted).toISOString().slice(0, 19);

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds. */
function offsetOf(zone: string, millis: number): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(millis)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(millis / SECOND) * SECOND;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, format);
  return format;
}

/** The first instant of a window at which local time is set back; `undefined` if it is not. Zones shift at most a few times a year. */
function firstFold(zone: string, from: number, until: number): number | undefined {
  const step = 30 * 24 * HOUR;
  const last = Math.min(until, from + 400 * 24 * HOUR);
  for (let at = from; at < last; at += step) {
    const end = Math.min(last, at + step);
    if (offsetOf(zone, end) < offsetOf(zone, at)) return shiftBetween(zone, at, end);
  }
  return undefined;
}

function shiftBetween(zone: string, from: number, until: number): number {
  let [before, after] = [from, until];
  while (after - before > MINUTE) {
    const middle = Math.floor((before + after) / 2);
    if (offsetOf(zone, middle) < offsetOf(zone, from)) after = middle;
    else before = middle;
  }
  return Math.floor(after / MINUTE) * MINUTE;
}

/** Whether this is a time zone of the IANA database that this machine knows. */
export function isTimeZone(zone: string): boolean {
  try {
    return formatOf(zone) !== undefined;
  } catch {
    return false;
  }
}
