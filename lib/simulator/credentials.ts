import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { keepsTokens } from '../core/auth.ts';
import { authorise, type Signing, withoutKey } from '../core/authorise.ts';
import type { Connector } from '../core/connector.ts';
import type { BuiltRequest } from '../core/request.ts';
import { SECOND } from '../core/time.ts';
import type { Received } from './exchange.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { makeKey } from './jwt.ts';
import { saltOf } from './random.ts';
import { recordMaker } from './records.ts';
import { isToken, noteOf } from './token-text.ts';

/** The connection's secret: what must stand in the secrets manager. */
export type Secret = Readonly<Record<string, unknown>>;

/**
 * A made-up secret for the connector's way of authorising. It is the same for the same seed, but for a private key: that is a new one.
 */
export function secretOf({ name, auth }: Connector, seed: number): Secret {
  const fields = Object.keys(jsonSchemaOf(auth.secret).properties ?? {});
  if (fields.length === 0) return {};
  const label = `simulated-${saltOf(seed, name, 'secret').toString(36)}`;
  const record = recordMaker(auth.secret, { label, seed, count: fields.length, keys: fields });
  const made = fields.map((field, index) => [field, anyFields.parse(record(index))[field]]);
  const key =
    auth.kind === 'exchange' ? auth.assertion : keepsTokens(auth) && isSigned(auth) ? { alg: auth.alg } : undefined;
  const signing = key === undefined ? {} : { [('key' in key && key.key) || 'privateKey']: makeKey(key.alg) };
  return { ...Object.fromEntries(made), ...signing };
}

const anyFields = z.record(z.string(), z.unknown());
const isSigned = (auth: { authenticate?: string }): boolean => auth.authenticate === 'private_key_jwt';

/** Whom an API lets in. `revoked`: no tokens that were given out before, epoch milliseconds. */
export type Guard = {
  readonly connector: Connector;
  readonly seed: number;
  readonly secret: Secret;
  readonly revoked?: number | undefined;
};

/**
 * What is wrong with how a request is authorised; `undefined`: nothing. The request that arrived, without its credential, is authorised
 * as the connector would do it; then both must agree.
 */
export function complaint(guard: Guard, request: Received): string | undefined {
  const {
    connector: { auth, name },
    seed,
    secret,
    revoked = 0,
  } = guard;
  const { method, url, headers, body, now } = request;
  if (auth.kind === 'none') return undefined;
  const bare: BuiltRequest = {
    method: method === 'POST' ? 'POST' : 'GET',
    url: withoutKey(auth, url.href),
    headers: {},
    ...(body === '' ? {} : { body }),
  };
  const token = keepsTokens(auth) ? tokenIn(headers[auth.sendAs?.toLowerCase() ?? 'authorization']) : undefined;
  if (token !== undefined && !(isToken({ seed, name, kind: 'access' }, token, now) && Number(noteOf(token)) >= revoked))
    return 'The token is none of this API, or has expired.';
  const date = auth.kind === 'signed' ? dateIn(headers[auth.date.header.toLowerCase()], auth.date.format) : now;
  const right = authorise(bare, auth, token === undefined ? secret : { token }, { now: date, hmac });
  const wrong = Object.keys(right.headers).find((header) => right.headers[header] !== headers[header]);
  if (wrong !== undefined) return `The header "${wrong}" is missing or wrong.`;
  const parameter = auth.kind === 'apiKey' && auth.in === 'query' ? auth.name : undefined;
  const [sent, asked] = [url, new URL(right.url)].map(({ searchParams }) => parameter && searchParams.get(parameter));
  return sent === asked ? undefined : `The query parameter "${parameter}" is missing or wrong.`;
}

const hmac: Signing['hmac'] = (hash, key, text, encoding) => createHmac(hash, key).update(text).digest(encoding);

const tokenIn = (header = ''): string => header.replace(/^Bearer /, '');

/** When a request was signed, by its own word. What is no date is the beginning of time. */
function dateIn(text = '', format: 'http' | 'iso' | 'seconds'): number {
  const millis = format === 'seconds' ? Number(text) * SECOND : Date.parse(text);
  return Number.isFinite(millis) ? millis : 0;
}
