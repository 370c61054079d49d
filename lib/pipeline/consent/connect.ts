import { hash } from 'node:crypto';
import { calculatePKCECodeChallenge } from 'oauth4webapi';
import * as z from 'zod';
import type { AuthorizationCodeFlow } from '../../core/auth/auth-scheme.ts';
import type { TokenGrant } from '../../core/auth/token-answer.ts';
import type { Raw } from '../../core/exchange.ts';
import { MINUTE, SECOND } from '../../core/time.ts';
import { connectionState } from '../credentials/account.ts';
import { readTokenState, type TokenContext } from '../credentials/credentials.ts';
import { decryptToken } from '../credentials/open-token.ts';
import { resumeConnection } from '../credentials/pause.ts';
import { storeToken } from '../credentials/refresh-token.ts';
import { readConnectionSecret, sealText, unsealText } from '../credentials/secrets-cache.ts';
import { requestToken } from '../credentials/token-request.ts';
import type { ConnectionContext, Invocation } from '../invocation.ts';
import { consentPage, html, redirectAnswer, type WebAnswer } from './connect-page.ts';
import {
  denied,
  failed,
  linkExpired,
  linkUsed,
  noRefreshToken,
  nothingHere,
  replayed,
  tooLate,
  unknownCallback,
  unknownLink,
  wrongBrowser,
} from './connect-refusals.ts';

/**
 * How a person consents, once, in a browser (RFC 6749 section 4.1, RFC 7636, RFC 9700 section 4.7):
 *
 *   link (15 min, once) → a page that says what is asked for → button → the API's own page → callback (10 min, once, same browser) → token
 *
 * A mere look at a link (a mail scanner, a preview) uses nothing up. Links and states stand in the table as hashes.
 */

/** A browser's request. `origin`: where this function is, `https://…`. `form`: of a POST. */
export type WebRequest = {
  readonly method: string;
  readonly origin: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly cookies: Readonly<Record<string, string>>;
  readonly form?: URLSearchParams;
  /** The `Origin` header. */
  readonly from?: string;
};

/** How long a link waits for its person, and how long the person may take with the API's pages. */
export const LINK_LIFE = 15 * MINUTE;
const STATE_LIFE = 10 * MINUTE;

const linkItem = z.object({ until: z.number(), used: z.boolean().default(false) });
const stateItem = linkItem.extend({ browser: z.string(), verifier: z.string(), redirectUri: z.string() });

/** Makes a link for a connection: its holder, and no one else, can consent for it, once. Gives the part after the function's URL. */
export async function makeLink(context: ConnectionContext): Promise<string> {
  const { tokens, connector, clock } = context;
  const link = ticket(context);
  const until = clock.now() + LINK_LIFE;
  await tokens.create(itemKey(connector.name, context.connection, 'LINK', link), { until, ...expiring(until) });
  return `/?link=${link}`;
}

/** Answers a browser. */
export async function connect(invocation: Invocation, request: WebRequest): Promise<WebAnswer> {
  const { auth } = invocation.connector;
  if (auth.kind !== 'authorizationCode') return nothingHere();
  if (request.path === '/callback' && request.method === 'GET') return finish(invocation, auth, request);
  if (request.path !== '/') return nothingHere();
  if (request.method === 'GET') return offer(invocation, auth, request.query.get('link') ?? '');
  if (request.method === 'POST' && (request.from === undefined || request.from === request.origin))
    return begin(invocation, auth, request);
  return nothingHere();
}

type Flow = AuthorizationCodeFlow<Raw, Raw>;

/** The page that a link leads to. */
async function offer(invocation: Invocation, flow: Flow, link: string): Promise<WebAnswer> {
  const found = await openLink(invocation, link);
  if ('answer' in found) return found.answer;
  const { place } = found;
  const { connector } = invocation;
  return consentPage({
    status: 200,
    title: `Connect ${connector.name}`,
    tone: 'plain',
    formTo: new URL(flow.authorizeUrl(place.params)).origin,
    body: html`<p>You are about to let Headgate read from <strong>${connector.name}</strong> in your name, until you withdraw it.</p>
<dl><dt>Connection</dt><dd>${place.connection}</dd><dt>It may read</dt><dd>${flow.scopes.join(', ') || 'what the API grants by default'}</dd>
<dt>Sign in at</dt><dd>${new URL(flow.authorizeUrl(place.params)).host}</dd></dl>
<form method="post" action="/"><input type="hidden" name="link" value="${link}"><button>Continue to sign in</button></form>
<p class="soft">This link works once. If you did not expect it, close this window: nothing has happened.</p>`,
  });
}

/** Uses the link up, and sends the browser to the API. */
async function begin(invocation: Invocation, flow: Flow, request: WebRequest): Promise<WebAnswer> {
  const { connector, tokens, clock, random } = invocation;
  const link = request.form?.get('link') ?? '';
  const found = await openLink(invocation, link);
  if ('answer' in found) return found.answer;
  const { place } = found;
  const secret = await readConnectionSecret(place);
  if ('problem' in secret) return failed(secret.problem);
  const used = await tokens.update(itemKey(connector.name, place.connection, 'LINK', link), { set: { used: true } }, [
    { absent: 'used' },
  ]);
  if (!used.ok) return linkUsed();

  const browser = request.cookies[cookieName(request.origin)] ?? `${random.id()}${random.id()}`;
  const verifier = `${random.id()}${random.id()}${random.id()}`;
  const state = ticket(place);
  const redirectUri = `${request.origin}/callback`;
  const until = clock.now() + STATE_LIFE;
  await tokens.create(itemKey(connector.name, place.connection, 'STATE', state), {
    until,
    browser: hashed(browser),
    verifier: await sealText(invocation, state, verifier),
    redirectUri,
    ...expiring(until),
  });
  const url = new URL(flow.authorizeUrl(place.params));
  const asked = {
    ...flow.parameters,
    response_type: 'code',
    client_id: String(secret.fields.clientId),
    redirect_uri: redirectUri,
    ...(flow.scopes.length > 0 ? { scope: flow.scopes.join(' ') } : {}),
    state,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return redirectAnswer(url.href, [cookie(request.origin, browser)]);
}

/** The browser is back: a code for a token. */
async function finish(invocation: Invocation, flow: Flow, request: WebRequest): Promise<WebAnswer> {
  const { connector, tokens, clock } = invocation;
  const state = request.query.get('state') ?? '';
  const connection = connectionOf(state);
  const place = connection === undefined ? undefined : await placeOf(invocation, flow, connection);
  if (place === undefined) return unknownCallback();
  const key = itemKey(connector.name, place.connection, 'STATE', state);
  const item = stateItem.safeParse(await tokens.get(key));
  if (!item.success) return unknownCallback();
  const { until, used, browser, verifier: sealed, redirectUri } = item.data;
  // A browser that did not begin uses nothing up.
  const mine = hashed(request.cookies[cookieName(request.origin)] ?? '') === browser;
  if (!mine) return wrongBrowser();
  if (used) return replayed();
  if (until < clock.now()) return tooLate();
  const taken = await tokens.update(key, { set: { used: true } }, [{ absent: 'used' }]);
  if (!taken.ok) return replayed();

  if (request.query.has('error')) return denied(request.query.get('error') ?? '');
  const verifier = await unsealText(invocation, state, sealed);
  const secret = await readConnectionSecret(place);
  if (verifier === undefined) return tooLate();
  if ('problem' in secret) return failed(secret.problem);
  const callback = new URL(`${request.origin}${request.path}?${request.query}`);
  const leftAt = clock.now();
  const ask = { grant: 'authorization_code', callback, state, redirectUri, verifier } as const;
  const answer = await requestToken(place, secret.fields, ask);
  if (answer.is !== 'token') return failed(answer.reason);
  return keep(place, answer.grant, leftAt);
}

/** Stores what was granted, finds out what the connection needs to know, and lets it work. */
async function keep(context: TokenContext, granted: TokenGrant, leftAt: number): Promise<WebAnswer> {
  const { clock, log } = context;
  const { connection, flow } = context;
  if (granted.refresh === undefined && (granted.life ?? flow.lifetime) !== undefined) return noRefreshToken();
  const consentAt = clock.now();
  let state = await readTokenState(context);
  do state = await storeToken(context, state, { grant: granted, leftAt, consentAt });
  while (
    // A refresh of the consent before was quicker: what is granted now counts all the same.
    state.consentAt !== consentAt
  );
  const opened = await decryptToken(context, state);
  if (opened === undefined || !('mark' in opened))
    return failed(opened?.reason ?? { code: 'token-failed', message: 'the token cannot be opened again' });
  await resumeConnection(context, undefined);
  log.info('connected', { connection });
  return consentPage({
    status: 200,
    title: 'Connected',
    tone: 'good',
    body: html`<p><strong>${context.connector.name}</strong> is connected as <strong>${connection}</strong>. You can close this window.</p>
<p class="soft">Access is renewed by itself. It ends when you withdraw it at ${context.connector.name}.</p>`,
  });
}

// Links and states

const TICKET = /^[0-9A-Za-z]{40}\.([0-9A-Za-z_-]{1,200})$/;

/** A text that cannot be guessed, and that says which connection it is for. */
const ticket = ({ random, connection }: ConnectionContext): string =>
  `${random.id()}${random.id()}.${Buffer.from(connection).toString('base64url')}`;

function connectionOf(given: string): string | undefined {
  const [, name] = TICKET.exec(given) ?? [];
  return name === undefined ? undefined : Buffer.from(name, 'base64url').toString();
}

const hashed = (text: string): string => hash('sha256', text, 'base64url');
const itemKey = (connector: string, connection: string, kind: 'LINK' | 'STATE', given: string) => ({
  pk: `${connector}/${connection}`,
  sk: `${kind}#${hashed(given)}`,
});
/** Time to live, in epoch seconds: an hour later, so that a person who comes too late is told so. */
const expiring = (until: number) => ({ expires: Math.ceil((until + 60 * MINUTE) / SECOND) });

async function openLink(
  invocation: Invocation,
  link: string,
): Promise<{ readonly place: TokenContext } | { readonly answer: WebAnswer }> {
  const { connector, tokens, clock } = invocation;
  const { auth } = connector;
  const connection = connectionOf(link);
  if (connection === undefined || auth.kind !== 'authorizationCode') return { answer: unknownLink() };
  const item = linkItem.safeParse(await tokens.get(itemKey(connector.name, connection, 'LINK', link)));
  if (!item.success) return { answer: unknownLink() };
  if (item.data.used) return { answer: linkUsed() };
  if (item.data.until < clock.now()) return { answer: linkExpired() };
  const place = await placeOf(invocation, auth, connection);
  return place === undefined ? { answer: unknownLink() } : { place };
}

async function placeOf(invocation: Invocation, flow: Flow, connection: string): Promise<TokenContext | undefined> {
  const { connector, connections } = invocation;
  const item = await connections.get({ pk: connector.name, sk: connection });
  if (item === undefined) return undefined;
  const params = connector.params.safeParse(JSON.parse(connectionState.parse(item).params));
  return params.success ? { ...invocation, connection, params: params.data, flow, meters: [] } : undefined;
}

// The browser

const isSecure = (origin: string): boolean => origin.startsWith('https:');
/** With the prefix a browser takes it from this very host only (RFC 6265bis section 4.1.3). */
const cookieName = (origin: string): string => (isSecure(origin) ? '__Host-headgate' : 'headgate');
const cookie = (origin: string, value: string): string =>
  `${cookieName(origin)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${STATE_LIFE / SECOND}${isSecure(origin) ? '; Secure' : ''}`;
