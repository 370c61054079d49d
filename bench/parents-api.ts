import { createServer, type Server } from 'node:http';

/** How many children a parent has. */
export const CHILDREN = 3;
/** Of so many parents one has vanished since it was listed. */
export const VANISHED = 100;
const SIZE = 100;

export type Answer = { readonly status: number; readonly body: object };

/** An API of so many parents, each with children of its own, as it answers a path. */
export function familyOf(parents: number, path: string, query: URLSearchParams): Answer {
  if (path === '/parents') {
    const start = (Number(query.get('page')) - 1) * SIZE;
    const count = Math.max(0, Math.min(SIZE, parents - start));
    return {
      status: 200,
      body: { rows: Array.from({ length: count }, (_, i) => ({ id: start + i })), total: parents },
    };
  }
  const parent = Number(path.split('/')[2]);
  if (hasVanished(parent)) return { status: 404, body: { message: 'no such parent' } };
  const rows = Array.from({ length: CHILDREN }, (_, i) => ({ id: CHILDREN * parent + i, name: `child ${i}` }));
  return { status: 200, body: { rows, next: null } };
}

export const hasVanished = (parent: number): boolean => parent % VANISHED === VANISHED - 1;

export function familyServer(parents: number): Server {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api.test');
    const { status, body } = familyOf(parents, pathname, searchParams);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.keepAliveTimeout = 60_000;
  return server;
}
