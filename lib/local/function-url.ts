import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as z from 'zod';
import type { ProcessPool } from './process-pool.ts';

/** A function at a URL of this machine. */
export type ServedFunction = {
  readonly url: string /** Takes no more requests, and ends when those under way are answered. */;
  close(): Promise<void>;
};

/** Milliseconds that an answer under way has when the stack ends: a person who has just consented is told so. */
const PATIENCE = 2_000;
const LOOK_EVERY = 20;

/** Bytes of a request's body: what a form may hold. */
const LARGEST_BODY = 64 * 1024;

/** What a function answers, payload format 2.0. */
const answerSchema = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(''),
  cookies: z.array(z.string()).default([]),
});

/**
 * Serves a function as its Lambda function URL does (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html), on 127.0.0.1 and
 * nowhere else. `port`: 0 for any that is free. Throws if the port is taken.
 */
export async function serveFunction(pool: Pick<ProcessPool, 'invoke'>, port: number): Promise<ServedFunction> {
  let host = '';
  const server = createServer((request, response) => {
    answer(pool, host, request, response).catch(() => response.writeHead(502).end());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The function has no port.');
  host = `127.0.0.1:${address.port}`;
  return {
    url: `http://${host}/`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      const idle = setInterval(() => server.closeIdleConnections(), LOOK_EVERY);
      const patience = setTimeout(() => server.closeAllConnections(), PATIENCE);
      await closed;
      clearInterval(idle);
      clearTimeout(patience);
    },
  };
}

async function answer(
  pool: Pick<ProcessPool, 'invoke'>,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers, method = 'GET', url = '/' } = request;
  // A request under another name (DNS rebinding) is not for us.
  if (headers.host !== host) return void response.writeHead(421).end();
  const body = await readBody(request);
  if (body === undefined) return void response.writeHead(413).end();
  const { pathname, search } = new URL(url, `http://${host}`);
  const outcome = await pool.invoke({
    version: '2.0',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    cookies: headers.cookie?.split(';').map((cookie) => cookie.trim()) ?? [],
    requestContext: { domainName: host, http: { method, path: pathname } },
    body: body.toString('base64'),
    isBase64Encoded: true,
  });
  if (!outcome.ok) return void response.writeHead(502).end();
  const { statusCode, headers: sent, body: text, cookies } = answerSchema.parse(JSON.parse(outcome.result));
  response.writeHead(statusCode, { ...sent, ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}) }).end(text);
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
