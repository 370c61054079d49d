import { hash } from 'node:crypto';
import type { AuthorizationCodeFlow, ClientCredentialsFlow } from '../core/auth/auth-scheme.ts';
import type { Raw } from '../core/connector/connector.ts';
import { MINUTE, SECOND } from '../core/time.ts';
import { type Client, kindOf, pathIn, type Told } from './client.ts';
import { type Answer, type Received, refusal } from './exchange.ts';
import { isSignedBy } from './jwt.ts';
import { endpoint, type Question } from './question.ts';
import { isToken, lifeOf, noteOf, tokenText } from './token-text.ts';

type Flow = ClientCredentialsFlow<Raw, Raw> | AuthorizationCodeFlow<Raw, Raw>;

/** How long a code is valid. */
const CODE_LIFE = 10 * MINUTE;

/** The token endpoint of OAuth 2.0, and the page at which a person consents. */
export function oauthQuestions(client: Client, flow: Flow, told: Told, basePath: string): readonly Question[] {
  const at = (method: string, url: string) => [endpoint(method, pathIn(url, basePath))];
  const token: Question = {
    open: true,
    forms: at('POST', flow.tokenUrl(client.params)),
    answer: (_, request) => answerToken(client, flow, told, request),
  };
  if (flow.kind !== 'authorizationCode') return [token];
  const consent: Question = {
    open: true,
    forms: at('GET', flow.authorizeUrl(client.params)),
    answer: (_, request) => answerConsent(client, request),
  };
  return [token, consent];
}

/** A token (RFC 6749 section 5.1), or why there is none (section 5.2). */
function answerToken(client: Client, flow: Flow, told: Told, { url, headers, body, now }: Received): Answer {
  const form = new URLSearchParams(body);
  if (!proves(client, flow, headers.authorization ?? '', form, now))
    return refusal(401, 'invalid_client', 'The client is not the one that it says it is.');
  if (!isGranted(client, flow, form, now))
    return refusal(400, 'invalid_grant', 'The code or refresh token was not issued by this API, or has expired.');
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
function proves({ secret }: Client, flow: Flow, authorization: string, form: URLSearchParams, now: number): boolean {
  const { clientId, clientSecret, privateKey } = secret;
  switch (flow.authenticate) {
    case 'client_secret_basic': {
      // Both are form-encoded first (RFC 6749 section 2.3.1).
      const pair = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
      return pair.split(':').map(decodeURIComponent).join() === `${clientId},${clientSecret}`;
    }
    case 'client_secret_post':
      return form.get('client_id') === clientId && form.get('client_secret') === clientSecret;
    case 'private_key_jwt':
      return isSignedBy(privateKey, flow.alg, form.get('client_assertion') ?? '', now);
    case 'none':
      return form.get('client_id') === clientId;
  }
}

function isGranted(client: Client, { kind }: Flow, form: URLSearchParams, now: number): boolean {
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
    return refusal(400, 'invalid_request', 'The client is unknown, or the redirect_uri is not its own.');
  const code = tokenText(kindOf(client, 'code'), now + CODE_LIFE, searchParams.get('code_challenge') ?? '');
  back.searchParams.set('code', code);
  back.searchParams.set('state', searchParams.get('state') ?? '');
  return { status: 302, headers: { location: back.href }, body: {} };
}
