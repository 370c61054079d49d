import type { TokenRequest } from '../core/auth/auth-scheme.ts';
import type { Connector, Raw } from '../core/connector/connector.ts';
import type { TokenKind } from './token-text.ts';

/** The connection's secret: what must stand in the secrets manager. */
export type Secret = Readonly<Record<string, unknown>>;

/** Whose API it is. */
export type Client = {
  readonly connector: Connector;
  readonly seed: number;
  readonly params: Raw;
  readonly secret: Secret;
};

/** A token of this kind, of this client. */
export const kindOf = ({ seed, connector: { name } }: Client, kind: TokenKind['kind']): TokenKind => ({
  seed,
  name,
  kind,
});

/** What is told with a token, by an API at this origin. */
export type Told = (origin: string) => Readonly<Record<string, unknown>>;

/** The request with the path by which it arrives: without the origin, where it has one of its own, and without the base path. */
export const arriving = (request: TokenRequest, basePath: string): TokenRequest => ({
  ...request,
  path: pathIn(request.path, basePath),
});

/** The path by which a request to this URL arrives. What is no URL is a path already. */
export function pathIn(pathOrUrl: string, basePath: string): string {
  const url = URL.parse(pathOrUrl);
  if (url === null) return pathOrUrl;
  const path = url.pathname.startsWith(`${basePath}/`) ? url.pathname.slice(basePath.length) : url.pathname;
  return `${path}${url.search}`;
}
