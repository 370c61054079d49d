import * as z from 'zod';
import { ConnectorError } from '../connector-error.ts';
import type { Raw, Reply } from '../exchange.ts';
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
  SignedRequest,
  TokenFlow,
  TokenRequest,
} from './auth-scheme.ts';

const text = z.string().min(1);
const nothing = z.undefined();

/** An open API: no secret. */
export const none = (): Auth<Raw, undefined> => ({ kind: 'none', secret: z.unknown(), grant: nothing });

/** `Authorization: Bearer <token>` (RFC 6750 section 2.1). Secret: `{"token": "…"}`. */
export const bearer = (): Auth<Raw, undefined> => ({
  kind: 'bearer',
  secret: z.object({ token: text }),
  grant: nothing,
});

/** `Authorization: Basic …` (RFC 7617). Secret: `{"username": "…", "password": "…"}`. */
export const basic = (): Auth<Raw, undefined> => ({
  kind: 'basic',
  secret: z.object({ username: text, password: z.string() }),
  grant: nothing,
});

/** A key in a header or a query parameter of its own. Secret: `{"key": "…"}`. */
export const apiKey = (place: { header: string } | { query: string }): Auth<Raw, undefined> => {
  check('apiKey', z.union([z.strictObject({ header: headerName }), z.strictObject({ query: text })]), place);
  const where: { in: 'header' | 'query'; name: string } =
    'header' in place ? { in: 'header', name: place.header } : { in: 'query', name: place.query };
  return { kind: 'apiKey', ...where, secret: z.object({ key: text }), grant: nothing };
};

type TokenOptions<P, G> = {
  grant?: z.ZodType<G>;
  lifetime?: Span;
  sendAs?: { header: string };
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
 * A signature over each request: `header: <prefix><HMAC of over(request, date)>`, and the date in a header of its own. Secret: `key`, and
 * `keyId` where `keyId` names a header for it. `date`: `http` (RFC 9110 section 5.6.7, in the header `date`) by default.
 */
export const signed = (options: {
  secret?: z.ZodType;
  hmac: 'sha1' | 'sha256' | 'sha512';
  over: (request: SignedRequest, date: string) => string;
  header: string;
  prefix?: string;
  encoding?: 'hex' | 'base64';
  date?: { header: string; format: 'http' | 'iso' | 'seconds' };
  keyId?: string;
}): Auth<Raw, undefined> => {
  check(
    'signed',
    z.strictObject({
      secret: zodSchema.optional(),
      hmac: z.enum(['sha1', 'sha256', 'sha512']),
      over: func,
      header: headerName,
      prefix: z.string().optional(),
      encoding: z.enum(['hex', 'base64']).optional(),
      date: z.strictObject({ header: headerName, format: z.enum(['http', 'iso', 'seconds']) }).optional(),
      keyId: headerName.optional(),
    }),
    options,
  );
  const { hmac, over, header, prefix = '', encoding = 'hex', keyId } = options;
  const fields = keyId === undefined ? z.object({ key: text }) : z.object({ keyId: text, key: text });
  return {
    kind: 'signed',
    ...{ hmac, over, header, prefix, encoding, keyId },
    date: options.date ?? { header: 'date', format: 'http' },
    secret: options.secret ?? fields,
    grant: nothing,
  };
};

const tokenFlow = <P, G>({ lifetime, sendAs, discover, grant }: TokenOptions<P, G>): TokenFlow<P, G> => ({
  lifetime: millis(lifetime),
  sendAs: sendAs?.header,
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
const algorithm = z.enum(['RS256', 'PS256', 'ES256']);
const isUrl = (value: unknown): boolean => typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value);
const urlOrFunction = z.custom<string>(
  (value) => typeof value === 'function' || isUrl(value),
  'must be a URL, or a function of the parameters that gives one',
);
const tokenShape = {
  grant: zodSchema.optional(),
  lifetime: duration.optional(),
  sendAs: z.strictObject({ header: headerName }).optional(),
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
