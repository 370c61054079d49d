import * as z from 'zod';
import type { Raw, Reply, Request } from './exchange.ts';
import type { Span } from './time.ts';

/** The secret's fields, and where in a request they go. Connector code never sees the values. */
type Placing =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer' }
  | { readonly kind: 'basic' }
  | { readonly kind: 'apiKey'; readonly header: string }
  | { readonly kind: 'clientCredentials' | 'authorizationCode' | 'exchange' | 'signed' };

/** How a request is authorised. `P`: the connection's parameters. `G`: what the token response tells. */
export type Auth<P, G> = Placing & {
  /** The JSON object that must stand in the secrets manager. */
  readonly secret: z.ZodType;
  readonly grant: z.ZodType<G>;
  /** Types only: never set. */
  readonly params?: (params: P) => void;
};

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

/** A key in a header of its own. Secret: `{"key": "…"}`. */
export const apiKey = ({ header }: { header: string }): Auth<Raw, undefined> => ({
  kind: 'apiKey',
  header,
  secret: z.object({ key: text }),
  grant: nothing,
});

/** What the token flows have in common. `lifetime`: of a token whose answer does not say. `sendAs`: another header than `Authorization`. */
type Token<P, G> = {
  grant?: z.ZodType<G>;
  lifetime?: Span;
  sendAs?: { header: string };
  discover?: { request: Request; read: (reply: Reply, params: P) => G };
};

// Typed, so that connectors can be written against them; `defineConnector` refuses them by name until they work.

/** OAuth 2.0 client credentials (RFC 6749 section 4.4). */
export const clientCredentials = <P, G = undefined>(_: Token<P, G> & { tokenUrl: (params: P) => string }): Auth<P, G> =>
  later('clientCredentials');

/** OAuth 2.0 authorization code with PKCE (RFC 6749 section 4.1, RFC 7636). */
export const authorizationCode = <P, G = undefined>(
  _: Token<P, G> & { authorizeUrl: string; tokenUrl: string; scopes: readonly string[]; consent?: Span },
): Auth<P, G> => later('authorizationCode');

/** Any other token endpoint: a signed assertion, a login request. */
export const exchange = <P, G = undefined>(
  _: Token<P, G> & {
    secret: z.ZodType;
    assertion?: { alg: 'RS256'; claims: (params: P, now: number) => object };
    request: (at: { params: P; assertion: string }) => Request;
    read: (reply: Reply) => { token: string; expiresAt: string };
  },
): Auth<P, G> => later('exchange');

/** A signature over each request. */
export const signed = (_: {
  secret: z.ZodType;
  hmac: 'sha256';
  over: (request: Request, date: string) => string;
  header: string;
}): Auth<Raw, undefined> => later('signed');

type Later = 'clientCredentials' | 'authorizationCode' | 'exchange' | 'signed';
const later = <P, G>(kind: Later): Auth<P, G> => ({ kind, secret: z.unknown(), grant: z.custom<G>() });
