import * as z from 'zod';
import { ConnectorError } from '../connector-error.ts';
import type { BuiltRequest, Raw, Reply } from '../exchange.ts';
import { schemaComplaint } from '../schema-complaint.ts';
import { parseSpan, type Span } from '../time.ts';
import type {
  Assertion,
  AssertionAlgorithm,
  Auth,
  ClientAuthentication,
  Discover,
  ExchangeAt,
  OAuthFlow,
  ReadToken,
  TokenFlow,
  TokenRequest,
} from './auth-scheme.ts';
import { type OAuth1Method, oauth1Signer } from './oauth1.ts';
import {
  type SignedParts,
  type SignedRequest,
  type SigningTools,
  type SignRequest,
  signRequest,
  withStandIns,
} from './signing.ts';
import { tlsSchema } from './tls.ts';

const text = z.string().min(1);
const nothing = z.undefined();

/** An open API: no secret. */
export const none = (): Auth<Raw, undefined> => ({ kind: 'none', secret: z.unknown(), grant: nothing });

/** `Authorization: Bearer <token>` (RFC 6750 section 2.1). `scheme`: another word than `Bearer`. Secret: `{"token": "…"}`. */
export const bearer = (options: { scheme?: string } = {}): Auth<Raw, undefined> => {
  check('bearer', z.strictObject({ scheme: schemeName.optional() }), options);
  const { scheme = 'Bearer' } = options;
  return {
    kind: 'bearer',
    sign: (_, { secret }) => ({ headers: { authorization: `${scheme} ${secret.token}` } }),
    secret: z.object({ token: text }),
    grant: nothing,
  };
};

/**
 * Nothing in the request: the TLS connection authorises, or only needs to trust a private authority. Secret: `{"tls": {"ca", "cert", "key"}}`, each
 * a PEM text; a certificate needs its key. Beside any other way of authorising, its secret may have `tls`, too.
 */
export const certificate = (): Auth<Raw, undefined> => ({
  kind: 'certificate',
  secret: z.object({ tls: tlsSchema }),
  grant: nothing,
});

/** `Authorization: Basic …` (RFC 7617). Secret: `{"username": "…", "password": "…"}`. */
export const basic = (): Auth<Raw, undefined> => ({
  kind: 'basic',
  secret: z.object({ username: text, password: z.string() }),
  grant: nothing,
});

/** The fields of a secret, each as the stand-in for its value. */
type StandIns<S extends z.ZodRawShape> = { readonly [field in keyof S]: string };

/**
 * A key in a header or a query parameter of its own. Secret: `{"key": "…"}`. Of several keys, `secret` is the schema of the JSON in the
 * secrets manager, and `send` says where each goes.
 */
export const apiKey = <S extends z.ZodRawShape>(
  place:
    | { header: string }
    | { query: string }
    | { secret: z.ZodObject<S>; send: (secret: StandIns<S>) => SignedParts },
): Auth<Raw, undefined> => {
  const several = z.strictObject({ secret: zodSchema, send: func });
  const single = [z.strictObject({ header: headerName }), z.strictObject({ query: text })];
  check('apiKey', 'secret' in place || 'send' in place ? several : z.union(single), place);
  if ('send' in place) {
    const { secret, send } = place;
    return { kind: 'apiKey', sign: signer('apiKey', secret, (_, tools) => send(tools.secret)), secret, grant: nothing };
  }
  return {
    kind: 'apiKey',
    sign: (_, { secret }) =>
      'header' in place ? { headers: { [place.header]: secret.key } } : { query: { [place.query]: secret.key } },
    secret: z.object({ key: text }),
    grant: nothing,
  };
};

type TokenOptions<P, G> = {
  grant?: z.ZodType<G>;
  lifetime?: Span;
  /** In this header by itself, or after another word than `Bearer`, or both. */
  sendAs?: { header: string; scheme?: string } | { scheme: string };
  discover?: Discover<P, G>;
};

type OAuthOptions<P, G> = TokenOptions<P, G> & {
  tokenUrl: string | ((params: P) => string);
  /** Default: not compared; a client's assertion is for the token URL. */
  issuer?: string | ((params: P) => string);
  authenticate?: ClientAuthentication;
  /** Of the client's assertion, with `private_key_jwt`. Default: RS256. */
  alg?: AssertionAlgorithm;
  scopes?: readonly string[];
  parameters?: Record<string, string>;
};

/**
 * OAuth 2.0 client credentials (RFC 6749 section 4.4). Secret: `{"clientId": "…", "clientSecret": "…"}`, or `{"clientId", "privateKey"}`
 * (and optionally `keyId`) with `private_key_jwt`.
 */
export const clientCredentials = <P, G = undefined>(options: OAuthOptions<P, G>): Auth<P, G> => {
  check('clientCredentials', z.strictObject(oauthShape), options);
  if (options.authenticate === 'none')
    throw new ConnectorError('clientCredentials: "authenticate" cannot be "none": the client is all that is proved.');
  return { kind: 'clientCredentials', ...oauth(options), ...told(options), secret: clientSecret(options) };
};

/**
 * OAuth 2.0 authorization code with PKCE (RFC 6749 section 4.1, RFC 7636): a person consents once, in a browser (`headgate connect`).
 * Secret as for client credentials; `{"clientId": "…"}` with `authenticate: 'none'`. `consent`: how long a consent lasts. `idle`: how long a
 * refresh token lives without being used (30 days by default): it is used at half of that.
 */
export const authorizationCode = <P, G = undefined>(
  options: OAuthOptions<P, G> & {
    authorizeUrl: string | ((params: P) => string);
    consent?: Span;
    idle?: Span;
  },
): Auth<P, G> => {
  check(
    'authorizationCode',
    z.strictObject({
      ...oauthShape,
      authorizeUrl: urlOrFunction,
      consent: duration.optional(),
      idle: duration.optional(),
    }),
    options,
  );
  return {
    kind: 'authorizationCode',
    ...oauth(options),
    ...told(options),
    authorizeUrl: asFunction(options.authorizeUrl),
    consent: millis(options.consent),
    idle: millis(options.idle ?? '30 days') ?? 0,
    secret: clientSecret(options),
  };
};

/** Any other token endpoint: a signed assertion, a login request. `secret`: the schema of the JSON in the secrets manager. */
export const exchange = <P, G = undefined>(
  options: TokenOptions<P, G> & {
    secret: z.ZodType;
    assertion?: Assertion<P>;
    request: (at: ExchangeAt<P>) => TokenRequest;
    read: (reply: Reply) => ReadToken;
  },
): Auth<P, G> => {
  const assertion = z.strictObject({ alg: algorithm, claims: func, key: text.optional() });
  const shape = { ...tokenShape, secret: zodSchema, assertion: assertion.optional(), request: func, read: func };
  check('exchange', z.strictObject(shape), options);
  return {
    kind: 'exchange',
    ...tokenFlow(options),
    ...told(options),
    assertion: options.assertion,
    request: options.request,
    read: options.read,
    secret: options.secret,
  };
};

/**
 * A signature over each request. `sign` says what the request carries besides: headers, query parameters or both. Its tools hash, sign and
 * tell the time; the fields of `secret` are stand-ins. Secret: `{"key": "…"}`, or as `secret` says.
 */
export const signed = <S extends z.ZodRawShape = { key: z.ZodString }>(options: {
  secret?: z.ZodObject<S>;
  sign: (request: SignedRequest, tools: Omit<SigningTools, 'secret'> & { secret: StandIns<S> }) => SignedParts;
}): Auth<Raw, undefined> => {
  check('signed', z.strictObject({ secret: zodSchema.optional(), sign: func }), options);
  const secret = options.secret ?? z.object({ key: text });
  return { kind: 'signed', sign: signer('signed', secret, options.sign), secret, grant: nothing };
};

/**
 * OAuth 1.0 (RFC 5849) with tokens that were granted before. Secret: `{"consumerKey", "consumerSecret"}`, with a person's consent `"token"` and
 * `"tokenSecret"` besides, and `"realm"` where the API asks for one. `method`: `HMAC-SHA1` by default.
 */
export const oauth1 = (options: { method?: OAuth1Method } = {}): Auth<Raw, undefined> => {
  const method = z.enum(['HMAC-SHA1', 'HMAC-SHA256', 'PLAINTEXT']).optional();
  check('oauth1', z.strictObject({ method }), options);
  const optional = text.optional();
  return {
    kind: 'oauth1',
    sign: oauth1Signer(options.method ?? 'HMAC-SHA1'),
    secret: z
      .object({ consumerKey: text, consumerSecret: text, token: optional, tokenSecret: optional, realm: optional })
      .refine(({ token, tokenSecret }) => (token === undefined) === (tokenSecret === undefined), {
        path: ['tokenSecret'],
        error: 'a token has a tokenSecret',
      }),
    grant: nothing,
  };
};

/** A connector's sign function, tried once: it must be synchronous, and name only fields that the secret has. */
function signer(kind: string, secret: z.ZodType, sign: SignRequest): SignRequest {
  const filled = withStandIns(sign);
  const names = secret instanceof z.ZodObject ? Object.keys(secret.shape) : [];
  const probed = Object.fromEntries(names.map((name) => [name, 'probe']));
  const request: BuiltRequest = { method: 'GET', url: 'https://probe.invalid/', headers: {} };
  try {
    const parts: unknown = signRequest(request, filled, probed, {
      now: 0,
      nonce: 'probe',
      digest: () => '',
      hmac: () => '',
    });
    check(
      kind,
      z.object({ headers: z.record(headerName, z.string()), query: z.record(z.string(), z.string()) }),
      parts,
    );
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    throw new ConnectorError(`${kind}: it cannot sign a request: ${error instanceof Error ? error.message : error}.`);
  }
  return filled;
}

const tokenFlow = <P, G>({ lifetime, sendAs, discover, grant }: TokenOptions<P, G>): TokenFlow<P, G> => ({
  lifetime: millis(lifetime),
  sendAs: { header: 'authorization', scheme: sendAs === undefined ? 'Bearer' : undefined, ...sendAs },
  discover,
  tells: grant !== undefined && discover === undefined,
});

/** Without a schema the grant is not looked at; its type is then what `G` is by default. */
const told = <P, G>({ grant }: TokenOptions<P, G>): { grant: z.ZodType<G> } => ({ grant: grant ?? z.custom<G>() });

const oauth = <P, G>(options: OAuthOptions<P, G>): OAuthFlow<P, G> => ({
  ...tokenFlow(options),
  tokenUrl: asFunction(options.tokenUrl),
  issuer: options.issuer === undefined ? undefined : asFunction(options.issuer),
  authenticate: options.authenticate ?? 'client_secret_basic',
  alg: options.alg ?? 'RS256',
  scopes: options.scopes ?? [],
  parameters: options.parameters ?? {},
});

function clientSecret({ authenticate }: { authenticate?: ClientAuthentication }): z.ZodType {
  if (authenticate === 'none') return z.object({ clientId: text });
  if (authenticate === 'private_key_jwt') return z.object({ clientId: text, privateKey: text, keyId: text.optional() });
  return z.object({ clientId: text, clientSecret: text });
}

const asFunction = <P>(value: string | ((params: P) => string)): ((params: P) => string) =>
  typeof value === 'string' ? () => value : value;
const millis = (declared: Span | undefined): number | undefined =>
  declared === undefined ? undefined : parseSpan(declared);

const func = z.custom<(...input: never[]) => unknown>((value) => typeof value === 'function', 'must be a function');
const zodSchema = z.instanceof(z.ZodType, { error: 'must be a zod schema' });
const duration = z.string().refine((given) => (parseSpan(given) ?? 0) > 0, 'must be a duration like "1 hour"');
/** A field name (RFC 9110 section 5.1). */
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be the name of a header');
/** An authentication scheme (RFC 9110 section 11.1). */
const schemeName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be one word, like "Token"');
const algorithm = z.enum(['RS256', 'PS256', 'ES256']);
const isUrl = (value: unknown): boolean => typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value);
const urlOrFunction = z.custom<string>(
  (value) => typeof value === 'function' || isUrl(value),
  'must be a URL, or a function of the parameters that gives one',
);
const tokenShape = {
  grant: zodSchema.optional(),
  lifetime: duration.optional(),
  sendAs: z
    .strictObject({ header: headerName.optional(), scheme: schemeName.optional() })
    .refine(({ header, scheme }) => header !== undefined || scheme !== undefined, 'must name a header or a scheme')
    .optional(),
  discover: z.strictObject({ request: z.looseObject({ path: text }), read: func }).optional(),
};
const oauthShape = {
  ...tokenShape,
  tokenUrl: urlOrFunction,
  issuer: urlOrFunction.optional(),
  authenticate: z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']).optional(),
  alg: algorithm.optional(),
  scopes: z.array(text).optional(),
  parameters: z.record(z.string(), z.string()).optional(),
};

function check(kind: string, shape: z.ZodType, options: unknown): void {
  const complaint = schemaComplaint(shape, options);
  if (complaint !== undefined) throw new ConnectorError(`${kind}: ${complaint}.`);
}
