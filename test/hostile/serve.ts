import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Api } from '../pipeline/world.ts';

/** Serves APIs on 127.0.0.1, each under a first segment of the path. `asked`: how many requests each was sent. */
export async function serve(apis: ReadonlyMap<string, Api>) {
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const [, name = '', ...rest] = url.pathname.split('/');
    asked.set(name, (asked.get(name) ?? 0) + 1);
    const answer = apis.get(name)?.({
      ...{ method: 'GET', url: url.href, headers: {}, path: `/${rest.join('/')}`, query: url.searchParams },
    });
    if (answer === undefined || 'failed' in answer) return response.destroy();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${address.port}`, asked, stop };
}
