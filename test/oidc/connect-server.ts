import { once } from 'node:events';
import { createServer } from 'node:http';
import { readHttpEvent, toHttpResult, type VisitEvent } from '../../lib/aws/function-url.ts';
import { connect } from '../../lib/pipeline/consent/connect.ts';
import type { Invocation } from '../../lib/pipeline/invocation.ts';

/** The connect function behind a URL of 127.0.0.1, in this process. */
export type ConnectServer = {
  readonly url: string;
  serve(invocation: () => Invocation): void;
  /** Answers the next callback with nothing, and gives its URL. */
  holdCallback(): Promise<string>;
  stop(): Promise<void>;
};

export async function startConnectServer(): Promise<ConnectServer> {
  let make: (() => Invocation) | undefined;
  let held: ((url: string) => void) | undefined;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    if (make === undefined) return void response.writeHead(503).end();
    const http = { method: request.method ?? 'GET' };
    if (url.pathname === '/callback' && held !== undefined) {
      held(url.href);
      held = undefined;
      return void response.writeHead(204).end();
    }
    const event: VisitEvent = {
      requestContext: { domainName: url.host, http },
      rawPath: url.pathname,
      rawQueryString: url.search.slice(1),
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      cookies: request.headers.cookie?.split('; ') ?? [],
      body: Buffer.concat(chunks).toString(),
      isBase64Encoded: false,
    };
    const answer = await connect(make(), readHttpEvent(event));
    const { statusCode = 500, headers = {}, body = '', cookies = [] } = toHttpResult(answer);
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    response.writeHead(statusCode, { ...sent, 'set-cookie': cookies }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    serve: (invocation) => {
      make = invocation;
    },
    holdCallback: () =>
      new Promise((resolve) => {
        held = resolve;
      }),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
