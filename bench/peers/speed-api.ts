import { createServer, type Server } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import { rowsBetween } from './rows.ts';
import type { SpeedScenario } from './scenarios.ts';

const CHILDREN = 10;

/** An honest API: every path is a listing of the same rows, in numbered pages and by cursor. Parents have one page of ten children each. */
export function speedServer({ records, latency }: Pick<SpeedScenario, 'records' | 'latency'>): Server {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api.test');
    const body = bodyOf(records, pathname, searchParams);
    if (latency > 0) await after(latency);
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
  server.keepAliveTimeout = 60_000;
  return server;
}

function bodyOf(records: number, path: string, query: URLSearchParams): string {
  const parent = /^\/parents\/(\d+)\/children$/.exec(path)?.[1];
  if (parent !== undefined)
    return `{"rows":${rowsBetween(CHILDREN * Number(parent), CHILDREN * (Number(parent) + 1))}}`;
  const size = Number(query.get('size') ?? 100);
  const start = query.has('cursor') ? Number(query.get('cursor')) : (Number(query.get('page') ?? 1) - 1) * size;
  const end = Math.min(records, start + size);
  const next = end < records ? `"${end}"` : 'null';
  return `{"rows":${rowsBetween(start, end)},"total":${records},"next":${next}}`;
}

/** How many records each stream of a scenario delivers. */
export const recordsOf = ({ records, paging }: Pick<SpeedScenario, 'records' | 'paging'>): number =>
  paging === 'parents' ? CHILDREN * records : records;
