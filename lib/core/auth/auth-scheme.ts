import type * as z from 'zod';
import type { Raw, Reply, Request } from '../exchange.ts';
import type { SignRequest } from './signing.ts';

/** How a client proves who it is to a token endpoint, by the names of RFC 7591 section 2 and OpenID Connect Core section 9. */
export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';

/** Algorithms for signed assertions (RFC 7518 section 3.1). */
export type AssertionAlgorithm = 'RS256' | 'PS256' | 'ES256';

/** A request for a token, relative to the base URL unless its path is an absolute URL. */
export type TokenRequest = Omit<Request, 'path'> & { path: string };

/**
 * One more request with a new token, for what the connection needs to know and the token answer does not tell: a cloud id, an instance
 * URL. Its path may be an absolute URL.
 */
export type Discover<P, G> = { request: TokenRequest; read: (reply: Reply, params: P) => G };

/** What a token answer told. `expiresAt`: ISO 8601 or epoch; `expiresIn`: seconds; with neither, `lifetime` counts. */
export type ReadToken = { token: string; expiresAt?: string | number; expiresIn?: number };

/** What all flows that end in a token have in common. */
export type TokenFlow<P, G> = {
  /** Of a token whose answer does not say, in milliseconds; `undefined`: until it is refused. */
  readonly lifetime: number | undefined;
  /** The header that carries the token, and what stands before it there; by default `Authorization: Bearer <token>`. */
  readonly sendAs: { readonly header: string; readonly scheme: string | undefined };
  readonly discover: Discover<P, G> | undefined;
  /** Whether the token answer itself is the grant, read by its schema. */
  readonly tells: boolean;
};

/** OAuth 2.0 at a token endpoint. */
export type OAuthFlow<P, G> = TokenFlow<P, G> & {
  readonly tokenUrl: (params: P) => string;
  /** Who the authorization server is (RFC 8414 section 2); compared with `iss` (RFC 9207), and the audience of a client's assertion. */
  readonly issuer: ((params: P) => string) | undefined;
  readonly authenticate: ClientAuthentication;
  readonly alg: AssertionAlgorithm;
  readonly scopes: readonly string[];
  /** Sent beside what the standard asks for: `audience`, `resource`, `access_type`. */
  readonly parameters: Readonly<Record<string, string>>;
};

export type ClientCredentialsFlow<P, G> = OAuthFlow<P, G> & { readonly kind: 'clientCredentials' };

export type AuthorizationCodeFlow<P, G> = OAuthFlow<P, G> & {
  readonly kind: 'authorizationCode';
  readonly authorizeUrl: (params: P) => string;
  /** How long a consent lasts, in milliseconds; `undefined`: until it is withdrawn. */
  readonly consent: number | undefined;
  /** How long a refresh token lives without being used, in milliseconds. */
  readonly idle: number;
};

/** `secret.<field>` and `assertion` stand for values that the connector's code never sees. */
export type ExchangeAt<P> = { params: P; assertion: string; secret: Raw };

export type ExchangeFlow<P, G> = TokenFlow<P, G> & {
  readonly kind: 'exchange';
  readonly assertion: Assertion<P> | undefined;
  readonly request: (at: ExchangeAt<P>) => TokenRequest;
  readonly read: (reply: Reply) => ReadToken;
};

/** A signed JWT (RFC 7519). `now`: epoch seconds. `key`: the secret's field with the private key as PEM, `privateKey` by default. */
export type Assertion<P> = {
  alg: AssertionAlgorithm;
  claims: (params: P, now: number) => object;
  key?: string;
};

/** The flows in which a token is fetched, kept and refreshed. */
export type TokenScheme<P, G> = ClientCredentialsFlow<P, G> | AuthorizationCodeFlow<P, G> | ExchangeFlow<P, G>;

type Scheme<P, G> =
  | { readonly kind: 'none' | 'basic' | 'certificate' }
  | { readonly kind: 'bearer' | 'apiKey' | 'signed' | 'oauth1'; readonly sign: SignRequest }
  | TokenScheme<P, G>;

/** How a request is authorised. `P`: the connection's parameters. `G`: what the token answer, or `discover`, tells. */
export type Auth<P, G> = Scheme<P, G> & {
  /** The JSON object that must stand in the secrets manager. Connector code never sees its values. */
  readonly secret: z.ZodType;
  readonly grant: z.ZodType<G>;
};

/** Whether requests are authorised by a token that is fetched, kept and refreshed. */
export const keepsTokens = (auth: Auth<Raw, Raw>): auth is Auth<Raw, Raw> & TokenScheme<Raw, Raw> =>
  auth.kind === 'clientCredentials' || auth.kind === 'authorizationCode' || auth.kind === 'exchange';
