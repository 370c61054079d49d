import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import { importPKCS8 } from 'jose/key/import';
import * as oauth from 'oauth4webapi';
import type { AssertionAlgorithm, ExchangeFlow, OAuthFlow, TokenRequest } from '../../core/auth/auth-scheme.ts';
import { fillIn, standIn, standIns } from '../../core/auth/stand-in.ts';
import { TOKEN_DEADLINE } from '../../core/auth/token.ts';
import { judgeTokenAnswer, type Reading, type TokenAnswer } from '../../core/auth/token-answer.ts';
import { buildRequest } from '../../core/connector/request.ts';
import type { BuiltRequest, Raw } from '../../core/exchange.ts';
import { SECOND } from '../../core/time.ts';
import { type Invocation, STORE_MARGIN } from '../invocation.ts';
import { type SentRequest, sendRequest } from '../limits/send-request.ts';
import type { SlotLater } from '../limits/slots.ts';
import type { WireRequest } from '../ports.ts';
import type { TokenContext } from './credentials.ts';

/** Bytes of a token endpoint's answer: far more than a token and its company. */
const BOUND = 256 * 1024;

/** What a token is asked for with. */
export type TokenPurpose =
  | { readonly grant: 'client_credentials' }
  | { readonly grant: 'refresh_token'; readonly refresh: string }
  | {
      readonly grant: 'authorization_code';
      /** The URL to which the authorization server sent the browser back. */
      readonly callback: URL;
      readonly state: string;
      readonly redirectUri: string;
      readonly verifier: string;
    };

/** Asks the token endpoint of a connection, once. `secret`: as the connector's schema has it. */
export function requestToken(context: TokenContext, secret: Raw, ask: TokenPurpose): Promise<TokenAnswer> {
  const { flow } = context;
  if (flow.kind === 'exchange') return exchange(context, flow, secret);
  return askForToken(context, flow, secret, ask);
}

async function askForToken(
  context: TokenContext,
  flow: OAuthFlow<Raw, Raw>,
  secret: Raw,
  ask: TokenPurpose,
): Promise<TokenAnswer> {
  const { params } = context;
  let sent: SentRequest | SlotLater | undefined;
  try {
    const url = flow.tokenUrl(params);
    const server = { issuer: flow.issuer?.(params) ?? url, token_endpoint: url };
    const authentication = await proofOf(flow, secret);
    const options = {
      [oauth.allowInsecureRequests]: isLoopback(url),
      [oauth.customFetch]: async (
        target: string,
        { headers, body }: { headers: Record<string, string>; body: URLSearchParams },
      ) => {
        sent = await sendTokenRequest(context, {
          method: 'POST',
          url: target,
          headers,
          body: body.toString(),
          tls: secret.tls,
        });
        return new Response();
      },
    };
    await request({ server, client: { client_id: secret.clientId }, authentication, flow, ask, options });
  } catch (error) {
    if (sent === undefined) return unsent(error);
  }
  if (sent === undefined) return unsent(undefined);
  return judged(context, sent, { sent: [...textsOf(secret), ...('refresh' in ask ? [ask.refresh] : [])] });
}

/** A request for a token, as oauth4webapi takes its parts. */
type GrantRequest = {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
  readonly flow: OAuthFlow<Raw, Raw>;
  readonly ask: TokenPurpose;
  readonly options: oauth.TokenEndpointRequestOptions;
};

function request({ server, client, authentication, flow, ask, options }: GrantRequest): Promise<Response> {
  const { scopes, parameters } = flow;
  switch (ask.grant) {
    case 'client_credentials': {
      const scope = scopes.length === 0 ? {} : { scope: scopes.join(' ') };
      return oauth.clientCredentialsGrantRequest(server, client, authentication, { ...parameters, ...scope }, options);
    }
    case 'refresh_token':
      return oauth.refreshTokenGrantRequest(server, client, authentication, ask.refresh, options);
    case 'authorization_code': {
      // The issuer is compared where the connector says who it is (RFC 9207).
      if (server.issuer === server.token_endpoint) ask.callback.searchParams.delete('iss');
      const callback = oauth.validateAuthResponse(server, client, ask.callback, ask.state);
      const { redirectUri, verifier } = ask;
      return oauth.authorizationCodeGrantRequest(
        server,
        client,
        authentication,
        callback,
        redirectUri,
        verifier,
        options,
      );
    }
  }
}

async function proofOf({ authenticate, alg }: OAuthFlow<Raw, Raw>, secret: Raw): Promise<oauth.ClientAuth> {
  switch (authenticate) {
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(secret.clientSecret);
    case 'client_secret_post':
      return oauth.ClientSecretPost(secret.clientSecret);
    case 'private_key_jwt': {
      const key = await privateKey(secret.privateKey, alg);
      return oauth.PrivateKeyJwt(secret.keyId === undefined ? key : { key, kid: secret.keyId });
    }
    case 'none':
      return oauth.None();
  }
}

/** Asks any other token endpoint as its connector says. */
async function exchange(context: TokenContext, flow: ExchangeFlow<Raw, Raw>, secret: Raw): Promise<TokenAnswer> {
  const { params } = context;
  let built: BuiltRequest;
  try {
    const { assertion } = flow;
    const signed = assertion === undefined ? {} : { [ASSERTION]: await signAssertion(context, flow, secret) };
    const asked = flow.request({ params, assertion: standIn(ASSERTION), secret: standIns() });
    built = buildTokenRequest(context, fillIn(asked, { ...secret, ...signed }));
  } catch (error) {
    return unsent(error);
  }
  const sent = await sendTokenRequest(context, { ...built, tls: secret.tls });
  return judged(context, sent, { read: flow.read, sent: textsOf(secret) });
}

function judged({ clock }: Invocation, sent: SentRequest | SlotLater, reading: Omit<Reading, 'now'>): TokenAnswer {
  if ('answer' in sent) return judgeTokenAnswer(sent.answer, { ...reading, now: clock.now() });
  return { is: 'failed', reason: NO_SLOT, doubtful: false, wait: sent.later };
}

const NO_SLOT = { code: 'no-slot', message: 'no slot was free for the token request' };

/** No field of a secret has this name. */
const ASSERTION = 'assertion (signed)';

async function signAssertion(
  { clock, params }: TokenContext,
  { assertion }: ExchangeFlow<Raw, Raw>,
  secret: Raw,
): Promise<string> {
  if (assertion === undefined) throw new Error('there is no assertion to sign');
  const { alg, claims, key = 'privateKey' } = assertion;
  const payload = { ...claims(params, Math.floor(clock.now() / SECOND)) };
  const header = { alg, typ: 'JWT', ...(typeof secret.keyId === 'string' ? { kid: secret.keyId } : {}) };
  return new SignJWT(payload).setProtectedHeader(header).sign(await privateKey(secret[key], alg));
}

/** A request whose path is relative to the base URL, or a URL by itself. */
export function buildTokenRequest({ connector, params }: TokenContext, asked: TokenRequest): BuiltRequest {
  const elsewhere = /^https?:/.test(asked.path) ? URL.parse(asked.path) : null;
  if (elsewhere === null) return buildRequest(connector, connector.baseUrl({ params, grant: undefined }), asked);
  return buildRequest(connector, elsewhere.origin, { ...asked, path: `${elsewhere.pathname}${elsewhere.search}` });
}

/** A private key as PEM, in PKCS #8 or in the older form of its algorithm, as GitHub hands them out. */
async function privateKey(pem: unknown, alg: AssertionAlgorithm): ReturnType<typeof importPKCS8> {
  try {
    const pkcs8 = createPrivateKey(String(pem)).export({ type: 'pkcs8', format: 'pem' });
    return await importPKCS8(String(pkcs8), alg);
  } catch {
    throw new UnreadableKey('the private key in the secret cannot be read; it must be a PEM text');
  }
}

class UnreadableKey extends Error {}

const textsOf = (secret: Raw): string[] =>
  Object.values(Object(secret)).filter((value): value is string => typeof value === 'string');

/** How far ahead the slot of a token request may be, in milliseconds. Its lease is longer by far. */
const PATIENCE = 4 * SECOND;

const sendTokenRequest = (context: TokenContext, request: WireRequest): Promise<SentRequest | SlotLater> =>
  sendRequest(context, {
    meters: context.meters,
    patience: PATIENCE,
    limits: {
      deadline: () => Math.max(1, Math.min(TOKEN_DEADLINE, context.remaining() - STORE_MARGIN)),
      bound: BOUND,
    },
    request: () => request,
  });

/**
 * The request could not be built: by the secret or by the declaration. What the libraries say of it may hold what they were given, so
 * only sentences of our own are repeated.
 */
function unsent(error: unknown): TokenAnswer {
  const why = error instanceof UnreadableKey ? error.message : 'its URL or its parameters do not fit the declaration';
  const reason = { code: 'bad-token-request', message: `the token request could not be built: ${why}` };
  return { is: 'refused', error: 'invalid_client', reason };
}

/** Without TLS credentials go to this machine only. */
const isLoopback = (url: string): boolean => {
  const host = URL.parse(url)?.hostname;
  return host === '127.0.0.1' || host === 'localhost' || host === '[::1]';
};
