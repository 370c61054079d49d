import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CLIENT, type PagingKind } from './job.ts';
import { jsonAnswer, PAGE, type Probe, type ProbeAnswer, type ProbeApi, type ProbeRequest } from './probe.ts';
import { rowOf } from './rows.ts';

/** A run that asks more often than this goes round in circles, and is stopped. */
const MOST_REQUESTS = 300;

export type ProbedServer = {
  readonly server: Server;
  readonly api: ProbeApi;
  readonly requests: () => number;
  /** The ids that were there at first and still are. */
  readonly throughout: () => string[];
};

/** The API of one run of a probe. `onEndless` is called when it is asked without end. */
export function probeServer(probe: Probe, onEndless: () => void): ProbedServer {
  const ids = Array.from({ length: probe.rows ?? 450 }, (_, index) => probe.named?.[index + 1] ?? String(index + 1));
  const api: ProbeApi = {
    ids: [...ids],
    memory: new Map(),
    remarks: new Set(),
    honest: (request) => honestAnswer(api.ids, probe.paging, request),
  };
  const asked = new Map<number, number>();
  let requests = 0;
  const server = createServer((incoming, response) => {
    requests += 1;
    if (requests > MOST_REQUESTS) onEndless();
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://api.test');
    const page = pageAsked(searchParams, probe.paging);
    const times = pathname === '/token' ? 1 : (asked.get(page) ?? 0) + 1;
    if (pathname !== '/token') asked.set(page, times);
    const { authorization, host = '' } = incoming.headers;
    const request = { path: pathname, query: searchParams, host, authorization, page, times };
    incoming.resume();
    send(probe.answer(request, api), incoming, response);
  });
  return {
    server,
    api,
    requests: () => requests,
    throughout: () => ids.filter((id) => api.ids.includes(id) && !probe.invalid?.includes(id)),
  };
}

/** Cursors are opaque: the offset in base64. */
export const cursorAt = (offset: number): string => Buffer.from(`after:${offset}`).toString('base64url');
const offsetOf = (cursor: string): number => Number(Buffer.from(cursor, 'base64url').toString().slice('after:'.length));

/** Where the page that is asked for begins. */
export function offsetAsked(query: URLSearchParams, paging: PagingKind): number {
  const [cursor, offset, page] = [query.get('cursor'), query.get('offset'), query.get('page')];
  if ((paging === 'cursor' || paging === 'links') && cursor !== null) return offsetOf(cursor);
  if (paging === 'offsets') return Number(offset ?? 0);
  return (Number(page ?? 1) - 1) * PAGE;
}

/** Neighbouring offsets may share records, so a page is the one that most of it belongs to. */
const pageAsked = (query: URLSearchParams, paging: PagingKind): number =>
  Math.round(offsetAsked(query, paging) / PAGE) + 1;

function honestAnswer(ids: readonly string[], paging: PagingKind, { path, query }: ProbeRequest): ProbeAnswer {
  if (path === '/token') return jsonAnswer({ access_token: CLIENT.secret, token_type: 'Bearer', expires_in: 3_600 });
  const offset = offsetAsked(query, paging);
  return listingAnswer(ids, paging, offset, offset + Number(query.get('size') ?? PAGE));
}

/** The rows between two places, with all that the API says beside them. */
export function listingAnswer(
  ids: readonly string[],
  paging: PagingKind,
  start: number,
  end: number,
  extra: Readonly<Record<string, unknown>> = {},
): ProbeAnswer {
  const rows = `[${ids.slice(start, end).map(rowOf).join(',')}]`;
  const next = end < ids.length ? cursorAt(end) : null;
  const said = paging === 'cursor' ? { next } : paging === 'links' || paging === 'one' ? {} : { total: ids.length };
  const rest = JSON.stringify({ ...said, ...extra }).slice(1, -1);
  const headers: Record<string, string> =
    paging === 'links' && next !== null ? { link: `</rows?size=${PAGE}&cursor=${next}>; rel="next"` } : {};
  return jsonAnswer(`{"rows":${rows}${rest === '' ? '' : `,${rest}`}}`, 200, headers);
}

function send({ status, headers, body, cut, hangs }: ProbeAnswer, incoming: IncomingMessage, response: ServerResponse) {
  if (hangs === true) return;
  if (cut !== true) return response.writeHead(status, headers).end(body);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => incoming.socket.destroy());
}
