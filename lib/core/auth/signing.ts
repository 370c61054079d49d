import type { BuiltRequest, Raw } from '../exchange.ts';
import { SECOND } from '../time.ts';
import { fillText, standIns } from './stand-in.ts';

export type HashName = 'sha1' | 'sha256' | 'sha512';
export type TextEncoding = 'hex' | 'base64';

/** What is signed: the request as it is sent. `path`: with its query. `body`: empty without one. Header names are lower case. */
export type SignedRequest = {
  method: string;
  url: string;
  path: string;
  body: string;
  headers: Readonly<Record<string, string>>;
};

/** The moment of signing: RFC 9110 section 5.6.7, ISO 8601 with milliseconds, ISO 8601 basic format (`20150830T123600Z`), epoch seconds and milliseconds. */
export type SigningTime = { http: string; iso: string; basic: string; seconds: string; millis: string };

/** A key as text, or as the base64 of its bytes. It may hold stand-ins. */
export type SigningKey = string | { readonly base64: string };

/** What a signature is made with. */
export type SigningTools = {
  /** `secret.<field>` stands for a value of the secret, which the connector's code never sees. */
  readonly secret: Raw;
  readonly time: SigningTime;
  /** Letters and digits that no other request has. */
  readonly nonce: string;
  /** The hash of a text's UTF-8 bytes. */
  readonly digest: (hash: HashName, text: string, encoding: TextEncoding) => string;
  /** The HMAC (RFC 2104) of a text. Of several texts, each is keyed by the HMAC of the one before it. */
  readonly hmac: (hash: HashName, key: SigningKey, text: string | readonly string[], encoding: TextEncoding) => string;
};

/** What a request carries besides, so that the API takes it. A query parameter replaces one of its name. */
export type SignedParts = { headers?: Record<string, string>; query?: Record<string, string> };

/** Signs a request. It is asked anew for each request that leaves, a repeated one too. */
export type SignRequest = (request: SignedRequest, tools: SigningTools) => SignedParts;

/** What signing needs of the world. `now`: epoch milliseconds. */
export type Signing = { readonly now: number } & Pick<SigningTools, 'nonce' | 'digest' | 'hmac'>;

/** A sign function of a connector, whose stand-ins are replaced by the secret's values. Throws on a field that the secret does not have. */
export const withStandIns =
  (sign: SignRequest): SignRequest =>
  (request, { secret, hmac, ...tools }) => {
    const fill = (text: string): string => fillText(text, secret);
    const fillKey = (key: SigningKey): SigningKey =>
      typeof key === 'string' ? fill(key) : { base64: fill(key.base64) };
    const parts = sign(request, {
      ...tools,
      secret: standIns(),
      hmac: (hash, key, text, encoding) => hmac(hash, fillKey(key), [text].flat().map(fill), encoding),
    });
    if (parts instanceof Promise) throw new Error('it must be synchronous, but returned a Promise');
    const { headers = {}, query = {} } = parts;
    return { headers: mapValues(headers, fill), query: mapValues(query, fill) };
  };

/** What a sign function adds to a request. Header names are lower case. */
export function signRequest(
  { method, url, headers, body = '' }: BuiltRequest,
  sign: SignRequest,
  secret: Raw,
  { now, ...tools }: Signing,
): Required<SignedParts> {
  const { pathname, search } = new URL(url);
  const request = { method, url, path: pathname + search, body, headers };
  const parts = sign(request, { ...tools, secret, time: signingTime(now) });
  const named = Object.entries(parts.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return { headers: Object.fromEntries(named), query: parts.query ?? {} };
}

function signingTime(now: number): SigningTime {
  const date = new Date(now);
  const iso = date.toISOString();
  return {
    http: date.toUTCString(),
    iso,
    basic: iso.replace(/[-:]|\.\d{3}/g, ''),
    seconds: String(Math.floor(now / SECOND)),
    millis: String(now),
  };
}

const mapValues = (values: Record<string, string>, map: (value: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
