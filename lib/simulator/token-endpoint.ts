import { hash } from 'node:crypto';
import * as z from 'zod';
import { type ExchangeFlow, keepsTokens, type TokenRequest, type TokenScheme } from '../core/auth.ts';
import type { Connector, Raw, Reply } from '../core/connector.ts';
import { fillIn, standIn, standIns } from '../core/stand-in.ts';
import { HOUR, MINUTE, parseInstant, SECOND } from '../core/time.ts';
import type { Secret } from './credentials.ts';
import { type Answer, type Received, refusal } from './exchange.ts';
import { findSetupForm, findTokenForm } from './find-reply-form.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { isSignedBy } from './jwt.ts';
import { placesOfReceived } from './places.ts';
import { endpoint, type Question } from './question.ts';
import { recordMaker } from './records.ts';
import { type Facts, replyMaker } from './reply-form.ts';
import { type Asked, requestForms } from './request-form.ts';
import { anyFacts } from './samples.ts';
import { isToken, lifeOf, noteOf, type TokenKind, tokenText } from './token-text.ts';

/** Whose tokens are given out. */
export type Client = {
  readonly connector: Connector;
  readonly seed: number;
  readonly params: Raw;
  readonly secret: Secret;
};

/** Where tokens come from, and what is told with them. */
export type TokenModel = {
  /** What requests are told of the connection besides its parameters. A URL in it is the API's own. */
  readonly grant: unknown;
  /** `basePath`: what the base URL adds to the origin. */
  readonly questions: (basePath: string) => readonly Question[];
};

const CODE_LIFE = 10 * MINUTE;

export function tokenModel(client: Client): TokenModel {
  const { auth } = client.connector;
  if (!keepsTokens(auth)) return { grant: undefined, questions: () => [] };
  const { discover } = auth;
  if (discover === undefined) {
    const grant = (origin: string) => (auth.tells ? grantOf(client, origin) : {});
    return {
      grant: auth.tells ? auth.grant.parse(grant('http://any')) : undefined,
      questions: (basePath) => tokenQuestions(client, auth, grant, basePath),
    };
  }
  const facts: Facts = { ...anyFacts, told: fields.parse(client.params) };
  const read = (reply: Reply): unknown => discover.read(reply, client.params);
  const isGrant = (found: unknown) => auth.grant.safeParse(found).success;
  const { headers, body } = replyMaker(findSetupForm('discover.read', read, facts, isGrant))(facts);
  const grant: unknown = auth.grant.parse(read({ status: 200, header: () => undefined, body }));
  const answer = { status: 200, headers, body };
  const forms = (basePath: string) =>
    requestForms({ name: 'discover.request', write: () => within(discover.request, basePath) });
  return {
    grant,
    questions: (basePath) => [
      ...tokenQuestions(client, auth, () => ({}), basePath),
      { forms: forms(basePath), answer: () => answer },
    ],
  };
}

const fields = z.record(z.string(), z.unknown()).catch({});

/** What the token answer tells besides the token: URLs in it lead to the API itself. */
function grantOf({ connector: { name, auth }, seed }: Client, origin: string): Readonly<Record<string, unknown>> {
  const keys = Object.keys(jsonSchemaOf(auth.grant).properties ?? {});
  const made = fields.parse(recordMaker(auth.grant, { label: name, seed, count: 1, keys })(0));
  const moved = Object.entries(made).map(([field, value]) => [field, /^https?:/.test(String(value)) ? origin : value]);
  return Object.fromEntries(moved);
}

/** The request with the path by which it arrives, its base path left out. */
function within(request: TokenRequest, basePath: string): TokenRequest {
  return { ...request, path: pathIn(request.path, basePath) };
}
function pathIn(pathOrUrl: string, basePath: string): string {
  const url = URL.parse(pathOrUrl);
  if (url === null) return pathOrUrl;
  const path = url.pathname.startsWith(`${basePath}/`) ? url.pathname.slice(basePath.length) : url.pathname;
  return `${path}${url.search}`;
}

type Flow = TokenScheme<Raw, Raw>;
type Told = (origin: string) => Readonly<Record<string, unknown>>;

function tokenQuestions(client: Client, flow: Flow, told: Told, basePath: string): readonly Question[] {
  if (flow.kind === 'exchange') return [exchangeQuestion(client, flow, told, basePath)];
  const token: Question = {
    open: true,
    forms: [endpoint('POST', pathIn(flow.tokenUrl(client.params), basePath))],
    answer: (_, request) => answerToken(client, flow, told, request),
  };
  if (flow.kind !== 'authorizationCode') return [token];
  const forms = [endpoint('GET', pathIn(flow.authorizeUrl(client.params), basePath))];
  return [token, { open: true, forms, answer: (_, request) => answerConsent(client, request) }];
}

const kindOf = ({ seed, connector: { name } }: Client, kind: TokenKind['kind']): TokenKind => ({ seed, name, kind });

type OAuth = Exclude<Flow, { kind: 'exchange' }>;

/** A token (RFC 6749 section 5.1), or why there is none (section 5.2). */
function answerToken(client: Client, flow: OAuth, told: Told, { url, headers, body, now }: Received): Answer {
  const form = new URLSearchParams(body);
  if (!proves(client, flow, headers.authorization ?? '', form, now))
    return refusal(401, 'invalid_client', 'The client is not the one that it says it is.');
  if (!isGranted(client, flow, form, now))
    return refusal(400, 'invalid_grant', 'What is shown for a token is none of this API, or has expired.');
  const life = lifeOf(flow);
  const refresh =
    flow.kind === 'authorizationCode' ? { refresh_token: tokenText(kindOf(client, 'refresh'), now + flow.idle) } : {};
  return {
    status: 200,
    headers: { 'cache-control': 'no-store' },
    body: {
      access_token: tokenText(kindOf(client, 'access'), now + life, now),
      token_type: 'Bearer',
      // A lifetime is declared where the answer does not tell it.
      ...(flow.lifetime === undefined ? { expires_in: life / SECOND } : {}),
      ...refresh,
      ...told(url.origin),
    },
  };
}

/** Whether a request proves that it is the client's, as the connector declares it. */
function proves({ secret }: Client, flow: OAuth, authorization: string, form: URLSearchParams, now: number): boolean {
  const { clientId, clientSecret, privateKey } = secret;
  switch (flow.authenticate) {
    case 'client_secret_basic': {
      const pair = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
        .toString()
        .split(':');
      return (
        pair.length === 2 &&
        pair[0] !== undefined &&
        pair.map(decodeURIComponent).join() === `${clientId},${clientSecret}`
      );
    }
    case 'client_secret_post':
      return form.get('client_id') === clientId && form.get('client_secret') === clientSecret;
    case 'private_key_jwt':
      return isSignedBy(privateKey, flow.alg, form.get('client_assertion') ?? '', now);
    case 'none':
      return form.get('client_id') === clientId;
  }
}

function isGranted(client: Client, { kind }: OAuth, form: URLSearchParams, now: number): boolean {
  const type = form.get('grant_type');
  if (kind === 'clientCredentials') return type === 'client_credentials';
  if (type === 'refresh_token') return isToken(kindOf(client, 'refresh'), form.get('refresh_token') ?? '', now);
  const code = form.get('code') ?? '';
  const challenge = hash('sha256', form.get('code_verifier') ?? '', 'base64url');
  return type === 'authorization_code' && isToken(kindOf(client, 'code'), code, now) && noteOf(code) === challenge;
}

/** Sends the browser back at once: in a simulated API everybody consents (RFC 6749 section 4.1.2, RFC 7636). */
function answerConsent(client: Client, { url: { searchParams }, now }: Received): Answer {
  const back = URL.parse(searchParams.get('redirect_uri') ?? '');
  if (back === null || searchParams.get('client_id') !== client.secret.clientId)
    return refusal(400, 'invalid_request', 'Nobody knows the client, or where to send the browser back to.');
  const code = tokenText(kindOf(client, 'code'), now + CODE_LIFE, searchParams.get('code_challenge') ?? '');
  back.searchParams.set('code', code);
  back.searchParams.set('state', searchParams.get('state') ?? '');
  return { status: 302, headers: { location: back.href }, body: {} };
}

/** Any other endpoint: whose request is not written as the connector writes it, with the secret in it, is somebody else. Only an assertion differs from time to time. */
function exchangeQuestion(client: Client, flow: ExchangeFlow<Raw, Raw>, told: Told, basePath: string): Question {
  const { params, secret } = client;
  const { assertion, read } = flow;
  const write = ({ page }: { page: unknown }) =>
    within(
      fillIn(flow.request({ params, assertion: standIn(ASSERTION), secret: standIns() }), {
        ...secret,
        [ASSERTION]: page,
      }),
      basePath,
    );
  const values = ['one.simulated.assertion', 'another.simulated.assertion', 'a.third.assertion'] as const;
  const later = { page: (value: unknown) => value, values };
  const pages = assertion === undefined ? undefined : { first: 'no assertion', later };
  const reply = replyMaker(
    findTokenForm(read, [tokenFacts('some.token', HOUR), tokenFacts('another', 7 * HOUR)], isTold),
  );
  const forms = requestForms({ name: 'auth.request', write, ...(pages === undefined ? {} : { pages }) });
  const [method = 'GET', path = '/'] = ['method', 'path'].map((place) => forms[0]?.example.get(place));
  return {
    open: true,
    forms: [endpoint(method, path)],
    answer: (_, request) => {
      const { url, now } = request;
      const places = placesOfReceived(request, basePath);
      const asked = forms.map(({ read }) => read(places)).find((found) => found !== undefined);
      if (asked === undefined || !signs(client, flow, asked, now))
        return refusal(401, 'invalid_client', 'What should prove who asks is wrong, or has expired.');
      // Whole seconds, in which every answer can tell them.
      const until = Math.ceil(now / SECOND) * SECOND + lifeOf(flow);
      const { headers, body } = reply(tokenFacts(tokenText(kindOf(client, 'access'), until, now), until, now));
      return { status: 200, headers, body: { ...fields.parse(body), ...told(url.origin) } };
    },
  };
}

/** Whether the assertion is signed by the client's key, if there has to be one. */
const signs = ({ secret }: Client, { assertion }: ExchangeFlow<Raw, Raw>, { page }: Asked, now: number): boolean =>
  assertion === undefined || isSignedBy(secret[assertion.key ?? 'privateKey'], assertion.alg, String(page), now);

/** No field of a secret has this name. */
const ASSERTION = 'assertion (signed)';

/** What a token answer tells. `until`: epoch milliseconds. */
const tokenFacts = (token: string, until: number, now = 0): Facts => ({
  ...{ records: [], total: 0, next: '' },
  told: {
    token,
    date: new Date(until).toISOString(),
    seconds: Math.floor((until - now) / SECOND),
    epoch: until / SECOND,
  },
});

const readToken = z.object({
  token: z.string(),
  expiresAt: z.union([z.string(), z.number()]).optional(),
  expiresIn: z.coerce.number().optional(),
});

/** Whether the connector reads the token, and everything about its end that it looks for. */
function isTold(found: unknown, { told = {} }: Facts): boolean {
  const read = readToken.safeParse(found);
  if (!read.success || typeof found !== 'object' || found === null) return false;
  const { token, expiresAt, expiresIn } = read.data;
  const ends = !('expiresAt' in found) || parseInstant(expiresAt) === parseInstant(told.date);
  return token === told.token && ends && (!('expiresIn' in found) || expiresIn === told.seconds);
}
