import * as z from 'zod';
import type { Auth, Discover, TokenRequest } from '../core/auth/auth-scheme.ts';
import type { Account, Connector, Limit, Raw, Stream } from '../core/connector/connector.ts';
import { pathIn } from './client.ts';

/** The parameter of a connection that says at which origin its API is played. */
const ORIGIN = 'simulator';
/** The field of a delivered record that holds its key. */
const KEY = 'key in the rehearsal';

/** The parameters of a connection whose API is played at this origin. */
export const rehearsedAt = (origin: string, params: Raw): object => ({ ...params, [ORIGIN]: origin });

/** The key of a record, as its schema returns it, in one text. */
export const keyOf = ({ key }: Pick<Stream, 'key'>, record: unknown): string =>
  JSON.stringify([key].flat().map((field) => Reflect.get(Object(record), field)));

/** The key of a record that a rehearsed connector delivered. */
export const keyDelivered = (record: unknown): string => String(Reflect.get(Object(record), KEY));

/**
 * The connector as it is deployed for a rehearsal. Each connection asks at the origin that its parameters name. Each limit becomes one of a
 * thousand requests a second, of the connection alone. A delivered record carries its key, which `map` may leave out.
 */
export function rehearsed(connector: Connector): Connector {
  const { auth, baseUrl, limits, params, streams } = connector;
  return {
    ...connector,
    params: z
      .looseObject({ [ORIGIN]: z.url() })
      .transform(({ [ORIGIN]: origin, ...given }) => rehearsedAt(String(origin), params.parse(given))),
    baseUrl: (at) => moved(baseOf(baseUrl, at), at.params),
    auth: movedAuth(auth),
    limits: (at) => {
      const declared = limits(at);
      return declared.length === 0 ? [FAST] : declared.map((limit) => quick(limit, streams));
    },
    streams: Object.fromEntries(
      Object.entries(streams).map(([name, stream]) => [
        name,
        {
          ...stream,
          map: (record: unknown, at: { parent: Raw }) => ({
            ...Object(stream.map === undefined ? record : stream.map(record, at)),
            [KEY]: keyOf(stream, record),
          }),
          ...(stream.limits && { limits: stream.limits.map((limit) => quick(limit, streams)) }),
        },
      ]),
    ),
  };
}

/** What stands in a limit's place. */
const FAST = { requests: 1_000, per: '1 second', scope: 'connection' } as const;

function quick({ points }: Limit, streams: Connector['streams']): Limit {
  if (points === undefined) return FAST;
  const dearest = Math.max(...Object.values(streams).map(({ cost = 1 }) => cost));
  return { points: FAST.requests * dearest, per: FAST.per, scope: FAST.scope };
}

/** The same URL at the simulator's origin. What is no URL stays as it is. */
function moved(url: string, params: Raw): string {
  const { pathname, search } = URL.parse(url) ?? {};
  return pathname === undefined ? url : `${params[ORIGIN]}${pathname}${search}`;
}

/** What the grant is asked for first may be asked without the grant that a base URL is made of: then of the origin alone. */
function baseOf(baseUrl: Connector['baseUrl'], at: Account<Raw, Raw>): string {
  if (at.grant !== undefined) return baseUrl(at);
  try {
    return baseUrl(at);
  } catch {
    return 'https://simulator.invalid';
  }
}

function movedAuth(auth: Auth<Raw, Raw>): Auth<Raw, Raw> {
  switch (auth.kind) {
    case 'clientCredentials':
      return { ...auth, ...movedFlow(auth) };
    case 'authorizationCode':
      return { ...auth, ...movedFlow(auth), authorizeUrl: (params) => moved(auth.authorizeUrl(params), params) };
    case 'exchange':
      return {
        ...auth,
        request: (at) => movedRequest(auth.request(at), at.params),
        discover: movedDiscover(auth.discover),
      };
    default:
      return auth;
  }
}

type Flow = { readonly tokenUrl: (params: Raw) => string; readonly discover: Discover<Raw, Raw> | undefined };

const movedFlow = ({ tokenUrl, discover }: Flow): Flow => ({
  tokenUrl: (params) => moved(tokenUrl(params), params),
  discover: movedDiscover(discover),
});

const movedRequest = (request: TokenRequest, params: Raw): TokenRequest => ({
  ...request,
  path: moved(request.path, params),
});

/** It is told no parameters, so it goes to the base URL. */
const movedDiscover = (discover: Discover<Raw, Raw> | undefined): Discover<Raw, Raw> | undefined =>
  discover && { ...discover, request: { ...discover.request, path: pathIn(discover.request.path, '') } };
