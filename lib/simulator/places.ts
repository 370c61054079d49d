import * as z from 'zod';
import type { Request } from '../core/connector/connector.ts';
import type { Received } from './exchange.ts';

/**
 * Every value that a request carries, by the place where it stands: `query "limit"`, `json "/filter/from"`. A place
 * reads as it should in a sentence.
 */
export type Places = ReadonlyMap<string, string>;

const HEADER = 'header ';
export const isHeader = (place: string): boolean => place.startsWith(HEADER);

/**
 * The same, whatever the length of its lists: what stands at one place of every element of a list, or at one name of a query, becomes one
 * text, a line each. Elements that agree have one line.
 */
export function folded(places: Places): Places {
  const lines = new Map<string, string[]>();
  for (const [place, text] of places) {
    const folds = place.replaceAll(/\/\d+(?=[/"])/g, '/*').replace(/ \(\d+\)$/, '');
    lines.set(folds, [...(lines.get(folds) ?? []), text]);
  }
  return new Map([...lines].map(([place, all]) => [place, [...new Set(all)].join('\n')]));
}

/** The places of a request that a connector declares. */
export function placesOfDeclared(request: Request): Places {
  const url = new URL(`/${request.path.replace(/^\/+/, '')}`, 'http://any');
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) url.searchParams.append(name, String(one));
    }
  }
  return new Map([
    ['method', request.method ?? 'GET'],
    ...placesOfUrl(url),
    ...Object.entries(request.headers ?? {}).map(([name, value]) => placeOfHeader(name, value)),
    ...(request.json === undefined ? [] : placesOfJson(JSON.parse(JSON.stringify(request.json)))),
    ...Object.entries(request.form ?? {}).map(([name, value]) => placeOfForm(name, value)),
  ]);
}

/** The places of a request that arrived, `basePath` left out. A body that is neither JSON nor a form stands in one place. */
export const placesOfReceived = ({ method, url, headers, body }: Received, basePath = ''): Places =>
  new Map([
    ['method', method],
    ...placesOfUrl(url, basePath),
    ...Object.entries(headers).map(([name, value]) => placeOfHeader(name, value)),
    ...placesOfBody(headers['content-type'] ?? '', body),
  ]);

type Place = readonly [place: string, value: string];

const placeOfHeader = (name: string, value: string): Place => [`${HEADER}"${name.toLowerCase()}"`, value];
const placeOfForm = (name: string, value: string): Place => [`form "${name}"`, value];

function placesOfUrl(url: URL, basePath = ''): Place[] {
  const times = new Map<string, number>();
  const query = [...url.searchParams].map(([name, value]): Place => {
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    return [time === 1 ? `query "${name}"` : `query "${name}" (${time})`, value];
  });
  const path = url.pathname.startsWith(`${basePath}/`) ? url.pathname.slice(basePath.length) : url.pathname;
  return [['path', decoded(path)], ...query];
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function placesOfBody(contentType: string, body: string): Place[] {
  if (body === '') return [];
  if (contentType.includes('x-www-form-urlencoded')) {
    return [...new URLSearchParams(body)].map(([name, value]) => placeOfForm(name, value));
  }
  try {
    return placesOfJson(JSON.parse(body));
  } catch {
    return [['body', body]];
  }
}

const container = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]);

/** Text in quotes, without escapes, and everything else as JSON writes it: `"5"` and `5` are not the same. */
function placesOfJson(value: unknown, path = ''): Place[] {
  const inside = container.safeParse(value);
  const entries = inside.success ? Object.entries(inside.data) : [];
  if (entries.length > 0) return entries.flatMap(([name, one]) => placesOfJson(one, `${path}/${name}`));
  return [[`json "${path}"`, typeof value === 'string' ? `"${value}"` : JSON.stringify(value)]];
}
