import type { BuiltRequest } from '../exchange.ts';
import { writeJson } from '../response/json.ts';
import type { Connector, Request } from './connector.ts';

/**
 * Builds a stream's request onto the base URL, whose own path is kept. `url` replaces it by the link that a page gave for
 * the next one. Throws if the base URL is invalid, because of a bad parameter.
 */
export function buildRequest(connector: Connector, baseUrl: string, request: Request, url?: string): BuiltRequest {
  const headers = lowerCased({ accept: 'application/json', ...connector.headers, ...request.headers });
  const method = request.method ?? 'GET';
  const target = url ?? resolve(baseUrl, request);
  if (request.json !== undefined) {
    return {
      method,
      url: target,
      headers: { 'content-type': 'application/json', ...headers },
      body: writeJson(request.json) ?? 'null',
    };
  }
  if (request.form !== undefined) {
    const body = new URLSearchParams(request.form).toString();
    return { method, url: target, headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body };
  }
  return { method, url: target, headers };
}

function resolve(baseUrl: string, { path, query = {} }: Request): string {
  const base = URL.parse(baseUrl);
  if (base === null) throw new Error(`The base URL is not a URL: "${baseUrl}".`);
  refuseDotSegments(path);
  const url = new URL(`${base.href.replace(/(?<!\/)\/+$/, '')}/${path.replace(/^\/+/, '')}`);
  if (url.origin !== base.origin) throw new Error(`The path leads to another origin, ${url.origin}.`);
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined) url.searchParams.append(name, String(each));
    }
  }
  return url.href;
}

/** A value from a record may be `..`, which `encodeURIComponent` leaves as it is: the URL would be that of another listing (RFC 3986 section 5.2.4). */
function refuseDotSegments(path: string): void {
  // A URL's parser drops tabs and line breaks, and takes a backslash for a slash.
  const [names = ''] = path.replace(/[\t\n\r]/g, '').split(/[?#]/, 1);
  const segment = names.split(/[/\\]/).find((each) => /^(?:\.|%2e){1,2}$/i.test(each));
  if (segment !== undefined)
    throw new Error(`The path must have no segment "." or ".." (got ${JSON.stringify(path.slice(0, 200))}).`);
}

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
