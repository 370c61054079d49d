import { base64 } from '../base64.ts';
import type { BuiltRequest, Raw } from '../exchange.ts';
import { SECOND } from '../time.ts';
import type { Auth, SignedScheme } from './auth-scheme.ts';

/** What a signature over a request needs beside the secret. `hmac`: HMAC (RFC 2104) of a text's UTF-8 bytes. */
export type Signing = {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly hmac: (hash: SignedScheme['hmac'], key: string, text: string, encoding: SignedScheme['encoding']) => string;
};

/**
 * Puts a credential into a request: the fields that {@link parseSecret} returned, or `token` where one was fetched. The only place where
 * a credential's value and a request meet.
 */
export function authorise(
  request: BuiltRequest,
  auth: Auth<Raw, Raw>,
  credential: Raw,
  signing: Signing,
): BuiltRequest {
  if (auth.kind === 'apiKey' && auth.in === 'query')
    return { ...request, url: withParameter(request.url, auth.name, credential.key) };
  return { ...request, headers: { ...request.headers, ...authHeaders(request, auth, credential, signing) } };
}

function authHeaders(
  request: BuiltRequest,
  auth: Auth<Raw, Raw>,
  credential: Raw,
  signing: Signing,
): Record<string, string> {
  switch (auth.kind) {
    case 'none':
      return {};
    case 'bearer':
      return { authorization: `Bearer ${credential.token}` };
    case 'basic':
      return { authorization: `Basic ${base64(`${credential.username}:${credential.password}`)}` };
    case 'apiKey':
      return { [auth.name.toLowerCase()]: credential.key };
    case 'signed':
      return sign(request, auth, credential, signing);
    case 'clientCredentials':
    case 'authorizationCode':
    case 'exchange':
      return auth.sendAs === undefined
        ? { authorization: `Bearer ${credential.token}` }
        : { [auth.sendAs.toLowerCase()]: credential.token };
  }
}

function sign(
  { method, url, body = '' }: BuiltRequest,
  auth: SignedScheme,
  { key, keyId }: Raw,
  { now, hmac }: Signing,
): Record<string, string> {
  const date = dateText(now, auth.date.format);
  const { pathname, search } = new URL(url);
  const signature = hmac(
    auth.hmac,
    key,
    auth.over({ method, url, path: pathname + search, body }, date),
    auth.encoding,
  );
  return {
    [auth.date.header.toLowerCase()]: date,
    [auth.header.toLowerCase()]: `${auth.prefix}${signature}`,
    ...(auth.keyId === undefined ? {} : { [auth.keyId.toLowerCase()]: keyId }),
  };
}

function dateText(now: number, format: SignedScheme['date']['format']): string {
  const date = new Date(now);
  if (format === 'seconds') return String(Math.floor(now / SECOND));
  return format === 'iso' ? date.toISOString() : date.toUTCString();
}

/** A link's own bytes stay as they are: an API may compare its cursors by their spelling. */
function withParameter(href: string, name: string, value: string): string {
  const { before, parameters, after } = splitQuery(withoutParameter(href, name));
  const pair = new URLSearchParams([[name, value]]).toString();
  return `${before}?${[...parameters.filter((each) => each !== ''), pair].join('&')}${after}`;
}

function withoutParameter(href: string, name: string): string {
  const { before, parameters, after } = splitQuery(href);
  const kept = parameters.filter((each) => !new URLSearchParams(each).has(name));
  return kept.length === parameters.length ? href : `${before}${kept.length > 0 ? `?${kept.join('&')}` : ''}${after}`;
}

/** The parts of a URL around its query, and the query's parameters, as they stand there. */
function splitQuery(href: string): { before: string; parameters: readonly string[]; after: string } {
  const hash = href.indexOf('#');
  const end = hash < 0 ? href.length : hash;
  const mark = href.slice(0, end).indexOf('?');
  const start = mark < 0 ? end : mark;
  const query = href.slice(start + 1, end);
  return { before: href.slice(0, start), parameters: query === '' ? [] : query.split('&'), after: href.slice(end) };
}

/** A link that the API gave, without a key that it repeats: what is stored and logged must not hold it. */
export function withoutKey(auth: Auth<Raw, Raw>, href: string): string {
  return auth.kind === 'apiKey' && auth.in === 'query' ? withoutParameter(href, auth.name) : href;
}

/**
 * The part of a secret that identifies the account at the API. It may be stored only as a hash. Each connection that a person consents to is
 * an account of its own.
 */
export function identityOf(auth: Auth<Raw, Raw>, secret: Raw, connection: string): string {
  if (auth.kind === 'authorizationCode') return connection;
  if (auth.kind === 'clientCredentials') return secret.clientId;
  return auth.kind === 'basic' ? secret.username : (JSON.stringify(secret) ?? '');
}

export type ParsedSecret = { readonly secret: Raw } | { readonly problem: string };

/** Reads a secret as the secrets manager holds it: JSON of the fields that the connector's auth needs. Never quotes it. */
export function parseSecret(auth: Auth<Raw, Raw>, text: string | undefined): ParsedSecret {
  if (auth.kind === 'none') return { secret: undefined };
  if (text === undefined) return { problem: 'there is no such secret' };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const parsed = auth.secret.safeParse(json);
  if (parsed.success) return { secret: parsed.data };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { problem: 'it is no JSON object' };
  const fields = parsed.error.issues.map((issue) => issue.path.join('.'));
  return { problem: `it lacks, or mistypes: ${[...new Set(fields)].join(', ')}` };
}
