import { base64 } from '../base64.ts';
import { parseJson, writeJson } from './json.ts';
import { REDACTED, redactNamed } from './redact-named.ts';
import { spellingOf, withoutSpelling } from './spelling.ts';

export type Redaction = {
  /** The values of the connection's secret, wherever they turn up. */
  readonly secrets: readonly string[];
  /** The connector's `redact`: places in a body, like `user.email` or `rows.*.iban`; `*` is every element or field. */
  readonly paths: readonly string[];
};

/** Names of headers, parameters and fields that hold what opens doors. A page token opens none. */
const SENSITIVE =
  /auth|token|secret|passw|pwd|api[-_]?key|access[-_]?key|signature|credential|cookie|session|assertion|otp|jwt/i;
const HARMLESS = /page|next|cursor|continu|author(?!i)|sync/i;
const isSensitive = (name: string): boolean => SENSITIVE.test(name) && !HARMLESS.test(name);

/**
 * The texts of a secret: every value in it, whatever its shape, that is long enough to be recognised; and a name and a password as they are sent
 * together (RFC 7617 section 2).
 */
export function secretTexts(secret: unknown): string[] {
  if (typeof secret === 'string') return secret.length < 4 ? [] : [secret];
  if (typeof secret !== 'object' || secret === null) return [];
  const fields = new Map<string, unknown>(Object.entries(secret));
  const pairs = PAIRS.flatMap(([name, password]) => {
    const pair = [fields.get(name), fields.get(password)];
    return pair.every((each) => typeof each === 'string') ? base64(pair.join(':')).replaceAll('=', '') : [];
  });
  return [...[...fields.values()].flatMap(secretTexts), ...pairs];
}

/** The fields that are sent as `name:password`. */
const PAIRS = [
  ['username', 'password'],
  ['clientId', 'clientSecret'],
] as const;

/** A field's sample, unless the field has a telling name or is named like the last step of a declared place. */
export function withoutSecrets<T extends { readonly path: string; readonly sample: string }>(
  field: T,
  { paths, secrets }: Redaction,
): T {
  const steps = field.path.split('.');
  const declared = new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)));
  const hidden = steps.some((step) => isSensitive(step) || declared.has(step));
  return { ...field, sample: hidden ? REDACTED : redactSecrets(field.sample, secrets) };
}

/** A sentence without what it may quote of an answer: secrets, and fields with telling names. */
export const redactSentence = (text: string, { secrets }: Redaction): string =>
  redactSecrets(redactNamed(text, isSensitive), secrets);

/** Takes the secret's values out of a text, however they are spelled there, whole or cut off, or after the name of a scheme. */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  // As they are first: a secret may itself look like the spelling of something else.
  const plain = secrets.reduce((left, secret) => left.replaceAll(secret, REDACTED), withoutSchemes(text));
  return secrets.reduce((left, secret) => withoutSpelling(left, spellingOf(secret), REDACTED), plain);
}

/** A URL without what its parameters hide, and without user and password. */
export function redactUrl(text: string, { secrets }: Redaction): string {
  const url = URL.parse(text);
  if (url === null) return redactSecrets(text, secrets);
  if (url.username !== '') url.username = '';
  if (url.password !== '') url.password = '';
  for (const name of [...url.searchParams.keys()]) if (isSensitive(name)) url.searchParams.set(name, REDACTED);
  return redactSecrets(url.href, secrets).replaceAll(encodeURIComponent(REDACTED), REDACTED);
}

/** Headers, one line each. */
export const redactHeaders = (headers: Readonly<Record<string, string>>, { secrets }: Redaction): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${isSensitive(name) ? REDACTED : redactSecrets(value, secrets)}`)
    .join('\n');

/** Whether an answer holds what must not be kept, in its URL, the values of its headers, or its body. */
export const holdsSecrets = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  redaction: Redaction,
): boolean =>
  redactUrl(url, redaction).includes(REDACTED) ||
  Object.values(headers).some((value) => redactSentence(value, redaction).includes(REDACTED)) ||
  body.length > LONGEST_READ ||
  redactBody(body, redaction, Number.POSITIVE_INFINITY).includes(REDACTED);

/** Longer than this a body is not read as JSON again only to be kept: its beginning is searched as text. In characters. */
const LONGEST_READ = 2_000_000;

/**
 * The beginning of a body as text, at most `most` characters. Where it is JSON, its declared places and every field with a telling name are taken out;
 * otherwise every field with such a name, or with the name of the last step of a declared place.
 */
export function redactBody(text: string, redaction: Redaction, most: number): string {
  const { paths, secrets } = redaction;
  const parsed = text.length > LONGEST_READ ? undefined : parseJson(text);
  if (typeof parsed === 'object') {
    const value = paths.reduce((left: unknown, path) => redactAt(left, path.split('.')), hideNamed(parsed.value));
    return redactSecrets(writeJson(value) ?? '', secrets).slice(0, most);
  }
  const names = new Set(paths.flatMap((path) => path.split('.').at(-1) ?? []));
  const hidden = redactNamed(text.slice(0, 2 * most), (name) => names.has(name) || isSensitive(name));
  return redactSecrets(hidden, secrets).slice(0, most);
}

/** A value without what its objects keep under a telling name. */
function hideNamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideNamed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      isSensitive(name) && each !== null ? REDACTED : hideNamed(each),
    ]),
  );
}

/** A value without what is at a place. */
function redactAt(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return REDACTED;
  if (Array.isArray(value))
    return value.map((each, index) => (step === '*' || step === String(index) ? redactAt(each, rest) : each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, step === '*' || step === name ? redactAt(each, rest) : each]),
  );
}

/** What follows the name of a scheme of authorisation. */
const SCHEME = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/g;

const withoutSchemes = (text: string): string => text.replace(SCHEME, (_, scheme: string) => `${scheme} ${REDACTED}`);
