import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import * as z from 'zod';

/** What was recorded of one exchange with GitHub. */
const exchange = z.object({
  method: z.string(),
  /** Path and query. */
  path: z.string(),
  status: z.int(),
  headers: z.record(z.string(), z.coerce.string()).default({}),
  response: z.unknown(),
});
export type Exchange = z.output<typeof exchange>;

/** The exchanges of a scenario (`api.github.com/paginate-issues`) that @octokit/fixtures recorded and normalised. */
export async function recorded(scenario: string): Promise<readonly Exchange[]> {
  const file = import.meta.resolve(`@octokit/fixtures/scenarios/${scenario}/normalized-fixture.json`);
  return z.array(exchange).parse(JSON.parse(await readFile(new URL(file), 'utf8')));
}

/** Headers that belong to the connection over which they were recorded, not to the answer. */
const OF_THE_CONNECTION = new Set(['connection', 'content-length', 'content-encoding', 'transfer-encoding']);

export type Replay = {
  /** Base URL of the server, on 127.0.0.1. */
  readonly url: string;
  stop(): Promise<void>;
};

/**
 * Answers as GitHub did when the scenario was recorded. An exchange is found by its path and its `page`; the page size
 * and every other parameter are ignored. Links lead back to this server.
 */
export async function replay(scenario: string): Promise<Replay> {
  const exchanges = new Map((await recorded(scenario)).map((one) => [keyOf(one.path), one]));
  const server = createServer((request, response) => {
    const origin = `http://${request.headers.host}`;
    const found = exchanges.get(keyOf(request.url ?? '/'));
    const { status, headers, response: body } = found ?? NOT_RECORDED;
    for (const [name, value] of Object.entries(headers)) {
      if (!OF_THE_CONNECTION.has(name)) response.setHeader(name, value.replaceAll(API, origin));
    }
    response.writeHead(status).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

const API = 'https://api.github.com';
const NOT_RECORDED = { status: 404, headers: {}, response: { message: 'Not Found' } };

function keyOf(path: string): string {
  const { pathname, searchParams } = new URL(path, API);
  return `${pathname} ${searchParams.get('page') ?? 1}`;
}
