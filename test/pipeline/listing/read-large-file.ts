import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import * as z from 'zod';
import { plainText, quickGzip } from '../../../lib/aws/gzip.ts';
import { nodeHttp } from '../../../lib/aws/http.ts';
import { defineConnector, job, none } from '../../../lib/core/connector/connector.ts';
import { runTasks } from '../../../lib/pipeline/work.ts';
import { csv } from '../../../lib/readers/index.ts';
import { makeWorld } from '../world.ts';

/**
 * Reads a file of a job, as many bytes of CSV as it is told, compressed, by the pipeline over a real socket. Prints what it delivered, and the most memory that
 * its process took. It is a program of its own, so that its memory is measured, and bounded, alone.
 */

const BYTES = Number(process.argv[2]);
const ROW = 1_000;
const COUNT = Math.floor(BYTES / ROW);

function* rows(): Generator<string> {
  yield 'id,note\r\n';
  for (let from = 0; from < COUNT; from += 1_000)
    yield Array.from({ length: Math.min(1_000, COUNT - from) }, (_, at) => {
      const id = String(from + at);
      return `${id},"${id.padStart(ROW - 6 - id.length, 'x')}"\r\n`;
    }).join('');
}

const server = createServer(async (request, response) => {
  if (request.url?.startsWith('/file') !== true) return response.end('{"id":"1"}');
  response.writeHead(200, { 'content-type': 'application/gzip' });
  return pipeline(Readable.from(rows()), createGzip({ level: 1 }), response);
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;

const connector = defineConnector({
  ...{
    name: 'test',
    docs: 'none',
    baseUrl: `http://127.0.0.1:${port}`,
    params: z.object({}),
    auth: none(),
    limits: [],
  },
  streams: (stream) => ({
    rows: stream({
      request: ({ page }) => ({ path: `/jobs/${page.job ?? ''}` }),
      paging: job({ start: (reply) => reply.body.id, ready: () => true, files: () => ['/file'] }),
      ...{
        read: csv({ columns: ['id', 'note'] }),
        records: (body) => body,
        largest: 256 * 1024 * 1024,
        timeout: '2 minutes',
      },
      ...{ schema: z.object({ id: z.string(), note: z.string() }), key: 'id' },
    }),
  }),
});

const MINUTES_15 = 900_000;
const world = makeWorld({ connector, api: () => ({ failed: 'broken', message: 'unused' }) });
const http = nodeHttp();
const small = new Map<string, Uint8Array>();
let parts = 0;
/** Parts are counted, and dropped: a bucket holds them elsewhere. */
const objects = {
  async create(key: string, body: Uint8Array): Promise<boolean> {
    if (key.includes('/parts/') && key.endsWith('.gz')) parts += 1;
    else small.set(key, body);
    return true;
  },
  get: async (key: string) => small.get(key),
};
const began = Date.now();
await world.connections.create({ pk: 'test', sk: 'main' }, { params: '{}', status: 'active' });
await world.queue.send([
  { task: { v: 1, kind: 'tick', stream: 'rows', at: new Date(world.clock.now()).toISOString() }, group: 'main' },
]);
for (let next = world.queue.next(); next !== undefined; next = world.queue.next()) {
  world.clock.advance(Math.max(1, next - world.clock.now()));
  const messages = world.queue.receive(10);
  const invocation = {
    ...world.invocation(),
    ...{ http, objects, gzip: quickGzip, gunzip: plainText, budget: MINUTES_15, remaining: () => MINUTES_15 },
  };
  const received = messages.map(({ receipt, task, receives }) => ({ id: receipt, task, receives }));
  const outcomes = await runTasks(invocation, received);
  for (const { id } of received) {
    const outcome = outcomes.get(id);
    if (outcome === 'done') world.queue.remove(id);
    else if (typeof outcome === 'object') world.queue.release(id, Math.ceil(outcome.later / 1_000));
  }
}
const receipt = [...small].find(([key]) => key.endsWith('/receipt.json'))?.[1];
const { verdict, reasons, records } = JSON.parse(new TextDecoder().decode(receipt));
const megabytes = Math.ceil(process.resourceUsage().maxRSS / 1_024);
process.stdout.write(
  JSON.stringify({
    verdict,
    reasons,
    delivered: records.delivered,
    expected: COUNT,
    parts,
    megabytes,
    took: Date.now() - began,
  }),
);
server.close();
