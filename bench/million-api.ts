import { createServer, type Server } from 'node:http';

/** An API with a listing of any length, by page, by offset or by cursor. It counts what it is asked. */
export function millionApi(records: number): { server: Server; asked: Map<string, number> } {
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const url = request.url ?? '/';
    asked.set(url, (asked.get(url) ?? 0) + 1);
    const { searchParams } = new URL(url, 'http://api.test');
    const body = pageOf(records, searchParams);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.keepAliveTimeout = 60_000;
  return { server, asked };
}

export function pageOf(records: number, query: URLSearchParams): object {
  const size = Number(query.get('size'));
  const page = query.get('page');
  const start = page === null ? Number(query.get('offset') ?? 0) : (Number(page) - 1) * size;
  const count = Math.max(0, Math.min(size, records - start));
  const rows = Array.from({ length: count }, (_, i) => ({ id: start + i, name: `record ${start + i}` }));
  return { rows, total: records, next: start + size < records ? start + size : null };
}
