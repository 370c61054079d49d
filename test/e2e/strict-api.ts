import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import * as z from 'zod';

/**
 * An API in a thread of its own that counts what arrives with a strict sliding window for each token, and answers 429 to what is
 * beyond a limit. It keeps its own time, and knows nothing of how anybody paces.
 */
export type StrictLimit = { readonly requests: number /** Milliseconds. */; readonly window: number };
export type StrictApi = {
  readonly url: string;
  /** When each request arrived, in milliseconds, and whether it was refused. */
  arrivals(): Promise<readonly Arrival[]>;
  stop(): Promise<void>;
};
export type Arrival = { readonly at: number; readonly refused: boolean };

const PAGE = 10;

/** Starts the API on 127.0.0.1. `pages`: of its one listing. */
export async function startStrictApi(limits: readonly StrictLimit[], pages: number): Promise<StrictApi> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { limits, pages } });
  const next = (): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve));
  const port = z.number().parse(await next());
  return {
    url: `http://127.0.0.1:${port}`,
    async arrivals() {
      const answer = next();
      worker.postMessage('arrivals');
      return z.array(z.object({ at: z.number(), refused: z.boolean() })).parse(await answer);
    },
    stop: async () => void (await worker.terminate()),
  };
}

function serve(limits: readonly StrictLimit[], pages: number): void {
  const all: Arrival[] = [];
  const granted = new Map<string, number[]>();
  /** Until when the oldest request is in a window that is full; 0: none is. */
  const refuses = (times: readonly number[], at: number): number =>
    Math.max(
      0,
      ...limits.map(({ requests, window }) => {
        const oldest = times.at(-requests);
        return oldest !== undefined && at - oldest <= window ? oldest + window - at : 0;
      }),
    );
  const server = createServer((request, response) => {
    const at = performance.now();
    const token = request.headers.authorization ?? '';
    const times = granted.get(token) ?? [];
    granted.set(token, times);
    const wait = refuses(times, at);
    all.push({ at, refused: wait > 0 });
    if (wait > 0) {
      response.writeHead(429, { 'retry-after': String(Math.ceil(wait / 1_000)) }).end();
      return;
    }
    times.push(at);
    const number = Number(new URL(request.url ?? '', 'http://any').searchParams.get('page'));
    const rows = number > pages ? [] : Array.from({ length: PAGE }, (_, i) => ({ id: (number - 1) * PAGE + i }));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ total: pages * PAGE, rows }));
  });
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1', () => {
    const address: AddressInfo | string | null = server.address();
    parentPort?.postMessage(typeof address === 'object' ? address?.port : 0);
  });
  parentPort?.on('message', () => parentPort?.postMessage(all));
}

if (!isMainThread) {
  const { limits, pages } = z
    .object({ limits: z.array(z.object({ requests: z.number(), window: z.number() })), pages: z.number() })
    .parse(workerData);
  serve(limits, pages);
}
