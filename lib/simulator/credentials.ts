import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { type Auth, keepsTokens } from '../core/auth/auth-scheme.ts';
import { authorise, type Signing } from '../core/auth/authorise.ts';
import type { Connector, Raw } from '../core/connector/connector.ts';
import type { BuiltRequest } from '../core/exchange.ts';
import { SECOND } from '../core/time.ts';
import { type Client, kindOf, type Secret } from './client.ts';
import type { Received } from './exchange.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { makeKey } from './jwt.ts';
import { saltOf } from './random.ts';
import { recordMaker } from './records.ts';
import { isToken, noteOf } from './token-text.ts';

/**
 * An invented secret for the connector's kind of authorization. The same seed gives the same secret, except for a private key.
 */
export function secretOf({ name, auth }: Connector, seed: number): Secret {
  const fields = Object.keys(jsonSchemaOf(auth.secret).properties ?? {});
  if (fields.length === 0) return {};
  const label = `simulated-${saltOf(seed, name, 'secret').toString(36)}`;
  const record = recordMaker(auth.secret, { label, seed, count: fields.length, keys: fields });
  const made = fields.map((field, index) => [field, anyFields.parse(record(index))[field]]);
  return { ...Object.fromEntries(made), ...signingKey(auth) };
}

const anyFields = z.record(z.string(), z.unknown());

/** The private key with which a client signs assertions, if it does. */
function signingKey(auth: Auth<Raw, Raw>): Secret {
  if (auth.kind === 'exchange' && auth.assertion !== undefined) {
    const { key = 'privateKey', alg } = auth.assertion;
    return { [key]: makeKey(alg) };
  }
  const signs = 'authenticate' in auth && auth.authenticate === 'private_key_jwt';
  return signs ? { privateKey: makeKey(auth.alg) } : {};
}

/**
 * What is wrong with the authorization of a request; `undefined`: nothing. The received request is authorized again, as the connector would
 * do it, and both must agree. `revoked`: tokens that were issued before this time, epoch milliseconds, are refused.
 */
export function complaint(client: Client, request: Received, revoked = 0): string | undefined {
  const {
    connector: { auth },
    secret,
  } = client;
  const { url, headers, now } = request;
  if (auth.kind === 'none') return undefined;
  if (auth.kind === 'apiKey' && auth.in === 'query')
    return url.searchParams.get(auth.name) === secret.key ? undefined : `The query parameter "${auth.name}" is wrong.`;
  const token = keepsTokens(auth) ? tokenIn(headers[auth.sendAs?.toLowerCase() ?? 'authorization']) : undefined;
  if (token !== undefined && !(isToken(kindOf(client, 'access'), token, now) && Number(noteOf(token)) >= revoked))
    return 'The token was not issued by this API, or has expired.';
  const date = auth.kind === 'signed' ? dateIn(headers[auth.date.header.toLowerCase()], auth.date.format) : now;
  const right = authorise(bare(request), auth, token === undefined ? secret : { token }, { now: date, hmac }).headers;
  const wrong = Object.keys(right).find((header) => right[header] !== headers[header]);
  return wrong === undefined ? undefined : `The header "${wrong}" is missing or wrong.`;
}

/** The request as it was before it was authorised. */
const bare = ({ method, url, body }: Received): BuiltRequest => ({
  method: method === 'POST' ? 'POST' : 'GET',
  url: url.href,
  headers: {},
  ...(body === '' ? {} : { body }),
});

const hmac: Signing['hmac'] = (hash, key, text, encoding) => createHmac(hash, key).update(text).digest(encoding);

const tokenIn = (header = ''): string => header.replace(/^Bearer /, '');

/** When a request says that it was signed. An invalid date is time 0. */
function dateIn(text = '', format: 'http' | 'iso' | 'seconds'): number {
  const millis = format === 'seconds' ? Number(text) * SECOND : Date.parse(text);
  return Number.isFinite(millis) ? millis : 0;
}
