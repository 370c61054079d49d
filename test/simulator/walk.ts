import type { Connector, Reply, Request, Stream } from '../../lib/core/connector/connector.ts';
import { type Instant, instant } from '../../lib/core/dates.ts';
import type { Simulation } from '../../lib/simulator/simulate.ts';

type Api = Pick<Simulation, 'url' | 'params'>;

/** A window that holds every record. */
export const EVER = { from: 0, to: Date.UTC(2100, 0, 1) };

/**
 * Lists a stream the plain way: page after page, one request at a time, with the connector's own functions. Gives every
 * record as it came, in the order in which it came.
 */
export async function walk(
  connector: Connector,
  api: Api,
  name: string,
  { from, to } = EVER,
  headers: Record<string, string> = {},
): Promise<readonly unknown[]> {
  const stream = connector.streams[name];
  if (stream === undefined) throw new Error(`No stream "${name}".`);
  const window = { from: instant(from), to: instant(to) };
  const found: unknown[] = [];
  for (let place: Place = start(stream); place !== 'end'; ) {
    const request = ask(stream, api.params, window, place.page);
    const reply = await send(api, place.url === undefined ? request : { path: place.url }, headers, stream.read);
    if (reply.status !== 200) throw new Error(`${reply.status}: ${JSON.stringify(reply.body)}`);
    const records = stream.records(reply.body);
    found.push(...records);
    place = next(stream, place, reply, records);
  }
  return found;
}

/** The stream's request for a page, of a connection without a grant or a setup, and with no parent but the one its parameters name. */
export const ask = (stream: Stream, params: unknown, window: Window, page: unknown): Request => {
  const parent: unknown = stream.each?.only?.({ params });
  return stream.request({ params, window, page, parent, grant: undefined, parents: [parent], setup: undefined });
};

type Window = { readonly from: Instant; readonly to: Instant };
type Place = { readonly page: unknown; readonly at: number; readonly url?: string } | 'end';

function start({ paging }: Stream): Place {
  switch (paging.kind) {
    case 'pages':
      return { at: 0, page: { number: paging.first, size: paging.size } };
    case 'offsets':
      return { at: 0, page: { offset: 0, size: paging.size } };
    case 'one':
    case 'job':
      return { at: 0, page: undefined };
    default:
      return { at: 0, page: { size: paging.size } };
  }
}

function next(
  { paging }: Stream,
  { at, page }: Exclude<Place, 'end'>,
  reply: Reply,
  records: readonly unknown[],
): Place {
  switch (paging.kind) {
    case 'one':
    case 'job':
      return 'end';
    case 'pages':
      if (records.length < paging.size) return 'end';
      return { at: at + 1, page: { number: paging.first + at + 1, size: paging.size } };
    case 'offsets':
      if (records.length < paging.size) return 'end';
      return { at: at + 1, page: { offset: (at + 1) * paging.size, size: paging.size } };
    case 'cursor': {
      const cursor = paging.next(reply);
      return cursor ? { at: at + 1, page: { cursor, size: paging.size } } : 'end';
    }
    case 'links': {
      const url = paging.next(reply);
      return url ? { at: at + 1, page, url } : 'end';
    }
    case 'keyset':
      return paging.more(reply)
        ? { at: at + 1, page: { after: paging.after(records.at(-1)), size: paging.size } }
        : 'end';
  }
}

/** Sends a request with the simulation's base URL, and reads the reply. */
export async function send(
  { url }: Pick<Api, 'url'>,
  request: Request,
  headers: Record<string, string> = {},
  read: NonNullable<Stream['read']> = JSON.parse,
): Promise<Reply> {
  const target = new URL(request.path, url);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) target.searchParams.append(name, String(one));
    }
  }
  const response = await fetch(target, {
    method: request.method ?? 'GET',
    headers: {
      ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
      ...headers,
    },
    body:
      request.json !== undefined
        ? JSON.stringify(request.json)
        : request.form
          ? new URLSearchParams(request.form)
          : null,
  });
  const body: unknown = read(await response.text());
  return { status: response.status, header: (name) => response.headers.get(name) ?? undefined, body };
}

/** Every record that the simulation holds of a stream. */
export const held = (simulation: Simulation, name: string, count: number): readonly unknown[] =>
  Array.from({ length: count }, (_, index) => JSON.parse(JSON.stringify(simulation.record(name, index))));
