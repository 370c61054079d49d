import { base64 } from '../base64.ts';
import type { BuiltRequest, Raw } from '../exchange.ts';
import { schemaComplaint } from '../schema-complaint.ts';
import type { Auth } from './auth-scheme.ts';
import { type Signing, signRequest } from './signing.ts';
import { tlsSchema } from './tls.ts';

/**
 * Puts a credential into a request: the fields that {@link parseSecret} returned, or `token` where one was fetched. The only place where
 * a credential's value and a request meet. Throws where the connector's own sign function does.
 */
export function authorise(
  request: BuiltRequest,
  auth: Auth<Raw, Raw>,
  credential: Raw,
  signing: Signing,
): BuiltRequest {
  const { headers, query } = partsOf(request, auth, credential, signing);
  return {
    ...request,
    url: Object.entries(query).reduce((url, [name, value]) => withParameter(url, name, value), request.url),
    headers: { ...request.headers, ...headers },
  };
}

type Parts = { readonly headers: Record<string, string>; readonly query: Record<string, string> };

function partsOf(request: BuiltRequest, auth: Auth<Raw, Raw>, credential: Raw, signing: Signing): Parts {
  switch (auth.kind) {
    case 'none':
    case 'certificate':
      return { headers: {}, query: {} };
    case 'basic':
      return {
        headers: { authorization: `Basic ${base64(`${credential.username}:${credential.password}`)}` },
        query: {},
      };
    case 'bearer':
    case 'apiKey':
    case 'signed':
    case 'oauth1':
      return signRequest(request, auth.sign, credential, signing);
    case 'clientCredentials':
    case 'authorizationCode':
    case 'exchange': {
      const { header, scheme } = auth.sendAs;
      const value = scheme === undefined ? credential.token : `${scheme} ${credential.token}`;
      return { headers: { [header.toLowerCase()]: value }, query: {} };
    }
  }
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

/** A link that the API gave, without a key or a signature that it repeats: what is stored and logged must not hold it. */
export function withoutKey(auth: Auth<Raw, Raw>, href: string): string {
  return queryNames(auth, href).reduce(withoutParameter, href);
}

/** The query parameters in which a credential goes. */
function queryNames(auth: Auth<Raw, Raw>, url: string): string[] {
  if (!('sign' in auth)) return [];
  const request: BuiltRequest = { method: 'GET', url, headers: {} };
  try {
    return Object.keys(signRequest(request, auth.sign, ANY_SECRET, NOTHING_SIGNED).query);
  } catch {
    return [];
  }
}

const ANY_SECRET: Raw = new Proxy(
  {},
  { get: () => '', getOwnPropertyDescriptor: () => ({ configurable: true, value: '' }) },
);
const NOTHING_SIGNED: Signing = { now: 0, nonce: '', digest: () => '', hmac: () => '' };

/**
 * The part of a secret that identifies the account at the API. It may be stored only as a hash. Each connection that a person consents to is
 * an account of its own.
 */
export function identityOf(auth: Auth<Raw, Raw>, secret: Raw, connection: string): string {
  if (auth.kind === 'authorizationCode') return connection;
  if (auth.kind === 'clientCredentials') return secret.clientId;
  if (auth.kind === 'basic') return secret.username;
  // Certificates are renewed, and the account stays the same.
  return JSON.stringify(auth.kind === 'certificate' ? secret : { ...secret, tls: undefined });
}

export type ParsedSecret = { readonly secret: Raw } | { readonly problem: string };

/**
 * Reads a secret as the secrets manager holds it: JSON of the fields that the connector's auth needs, and of `tls` where there is any
 * ({@link tlsSchema}). Never quotes it.
 */
export function parseSecret(auth: Auth<Raw, Raw>, text: string | undefined): ParsedSecret {
  if (auth.kind === 'none') return { secret: undefined };
  if (text === undefined) return { problem: 'there is no such secret' };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { problem: 'it is no JSON object' };
  const { tls, ...fields }: Raw = json;
  const certificates = tlsSchema.optional().safeParse(tls);
  if (!certificates.success) return { problem: `its "tls" does not fit: ${schemaComplaint(tlsSchema, tls)}` };
  const parsed = auth.secret.safeParse(auth.kind === 'certificate' ? json : fields);
  if (parsed.success)
    return { secret: tls === undefined ? parsed.data : { ...Object(parsed.data), tls: certificates.data } };
  const wrong = parsed.error.issues.map((issue) => issue.path.join('.'));
  return { problem: `it lacks, or mistypes: ${[...new Set(wrong)].join(', ')}` };
}
