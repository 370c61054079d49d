import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Ending } from './headgate.ts';

/** What is the matter with the API. */
export type Mood = 'well' | 'gone' | 'throttles' | 'drifts' | 'kills' | 'slow';

/** `token`: the one that is let in. `since`: what each request asked for the changes from. */
export type ShopApi = { readonly url: string; mood: Mood; token: string; readonly since: string[] };

const ORDERS = 45;
const SIZE = 10;

/** The API of the connector in `shop.ts`, on 127.0.0.1. */
export async function shopApi(t: Ending): Promise<ShopApi> {
  const since: string[] = [];
  const api: { -readonly [name in keyof ShopApi]: ShopApi[name] } = { url: '', mood: 'well', token: 'good', since };
  const server = createServer((request, response) => {
    const { searchParams: query } = new URL(request.url ?? '', 'http://shop.test');
    since.push(query.get('since') ?? '');
    const page = Number(query.get('page'));
    const { status, headers = {}, body } = answer(api, page, request.headers.authorization ?? '');
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  api.url = `http://127.0.0.1:${address.port}`;
  return api;
}

type Answer = { status: number; headers?: Record<string, string>; body: object };

function answer({ mood, token }: ShopApi, page: number, authorization: string): Answer {
  if (authorization !== `Bearer ${token}`) return { status: 401, body: { error: 'invalid_token' } };
  if (mood === 'throttles') return { status: 429, headers: { 'retry-after': '1' }, body: { error: 'slow down' } };
  if (mood === 'gone' && page === 2) return { status: 410, body: { error: 'gone' } };
  const first = (page - 1) * SIZE;
  const orders = Array.from({ length: Math.max(0, Math.min(SIZE, ORDERS - first)) }, (_, i) => ({
    id: mood === 'drifts' && i === 0 ? String(first + i) : first + i,
    updated_at: new Date(Date.UTC(2026, 10, 1) + first + i).toISOString(),
  }));
  const trouble = {
    ...(mood === 'kills' && page === 2 && { kills: true }),
    ...(mood === 'slow' && page === 1 && { spins: 6_750 }),
  };
  return { status: 200, body: { orders, total: ORDERS, ...trouble } };
}
