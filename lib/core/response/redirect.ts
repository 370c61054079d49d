import type { Reply } from '../exchange.ts';

/** A request as a redirect sees it. */
export type RedirectRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** It is for a file, which may lie on another origin: there it is asked for without credentials. */
  readonly anywhere?: boolean;
};

/** Statuses that name another place (RFC 9110 section 15.4). */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Where an answer sends its request. Only a GET follows, and only within its origin (scheme, host and port): elsewhere its credentials would be
 * told to a stranger, and a login page would be taken for an answer. `undefined`: it is no redirect.
 */
export function redirectOf(
  reply: Reply,
  { method, url, anywhere = false }: RedirectRequest,
): { readonly to: string } | { readonly complaint: string } | undefined {
  const location = reply.header('location');
  if (!REDIRECTS.has(reply.status) || location === undefined) return undefined;
  const to = URL.parse(location, url);
  if (to === null) return { complaint: 'the redirect leads to what is no URL' };
  const { origin, protocol } = new URL(url);
  if (anywhere && to.protocol === 'http:' && protocol === 'https:')
    return { complaint: `the redirect leads from https to http, at ${to.host}` };
  const isFollowed = anywhere && /^https?:$/.test(to.protocol);
  if (to.origin !== origin && !isFollowed)
    return { complaint: `the redirect leads to another origin, ${to.origin === 'null' ? to.protocol : to.origin}` };
  if (method !== 'GET') return { complaint: `a ${method} is redirected, and only a GET may follow` };
  to.hash = '';
  return { to: to.href };
}
