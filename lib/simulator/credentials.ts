import { createHash, createHmac } from 'node:crypto';
import * as z from 'zod';
import { type Auth, keepsTokens, type TokenFlow } from '../core/auth/auth-scheme.ts';
import { authorise, withoutKey } from '../core/auth/authorise.ts';
import type { Signing } from '../core/auth/signing.ts';
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
 * What is wrong with how a request is authorised; `undefined`: nothing. The request that arrived, without its credential, is authorised
 * as the connector would do it, at each moment and with each nonce that it names; one of them must agree. `revoked`: no token that was given out
 * before, epoch milliseconds, is taken.
 */
export function complaint(client: Client, request: Received, revoked = 0): string | undefined {
  const {
    connector: { auth },
    secret,
  } = client;
  if (auth.kind === 'none') return undefined;
  const token = keepsTokens(auth) ? tokenIn(request, auth.sendAs) : undefined;
  if (
    token !== undefined &&
    !(isToken(kindOf(client, 'access'), token, request.now) && Number(noteOf(token)) >= revoked)
  )
    return 'The token is none of this API, or has expired.';
  const credential = token === undefined ? secret : { token };
  const complaints = signingsIn(request).map((signing) => {
    const right = authorise(bare(client, request), auth, credential, signing);
    const parameters = new URL(right.url).searchParams;
    const header = Object.keys(right.headers).find((name) => right.headers[name] !== request.headers[name]);
    const parameter = [...parameters.keys()].find(
      (name) => parameters.get(name) !== request.url.searchParams.get(name),
    );
    if (header !== undefined) return `The header "${header}" is missing or wrong.`;
    return parameter === undefined ? undefined : `The query parameter "${parameter}" is wrong.`;
  });
  return complaints.includes(undefined) ? undefined : complaints[0];
}

/** The request as it was before it was authorised, but for headers, which it may sign as well. */
const bare = ({ connector: { auth } }: Client, { method, url, headers, body }: Received): BuiltRequest => ({
  method: method === 'POST' ? 'POST' : 'GET',
  url: withoutKey(auth, url.href),
  headers: 'sign' in auth ? headers : {},
  ...(body === '' ? {} : { body }),
});

/** More moments and nonces than any scheme sends. */
const MOST_NAMED = 12;

/** The moments and nonces with which a request may have been signed, by its own words. */
function signingsIn({ url, headers, now }: Received): Signing[] {
  const texts = [...Object.values(headers), ...url.searchParams.values()].flatMap((text) => [
    text,
    ...text.split(/[\s,;=":]+/),
  ]);
  const times = [now, ...new Set(texts.flatMap(momentOf))].slice(0, MOST_NAMED);
  const nonces = ['', ...new Set(texts.filter((text) => NONCE.test(text)))].slice(0, MOST_NAMED);
  return times.flatMap((time) => nonces.map((nonce) => ({ now: time, nonce, digest, hmac })));
}

const NONCE = /^[A-Za-z0-9]{3,40}$/;
const BASIC = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** Epoch milliseconds of a text that {@link SigningTools.time} may have given. */
function momentOf(text: string): number[] {
  if (/^\d{10}$/.test(text)) return [Number(text) * SECOND];
  if (/^\d{13}$/.test(text)) return [Number(text)];
  const millis = Date.parse(text.replace(BASIC, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isFinite(millis) && /^\w{3}, |T.*Z$/.test(text) ? [millis] : [];
}

const digest: Signing['digest'] = (hash, text, encoding) => createHash(hash).update(text).digest(encoding);
const hmac: Signing['hmac'] = (hash, key, texts, encoding) => {
  const first = typeof key === 'string' ? key : Buffer.from(key.base64, 'base64');
  const mac = [texts].flat().reduce<string | Buffer>((by, text) => createHmac(hash, by).update(text).digest(), first);
  return Buffer.from(mac).toString(encoding);
};

const tokenIn = ({ headers }: Received, { header, scheme }: TokenFlow<Raw, Raw>['sendAs']): string => {
  const sent = headers[header.toLowerCase()] ?? '';
  return scheme !== undefined && sent.startsWith(`${scheme} `) ? sent.slice(scheme.length + 1) : sent;
};
