import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { receiptSchema } from '../lib/core/receipt.ts';
import type { Item, Table, Written } from '../lib/pipeline/ports.ts';
import { json, makeWorld } from '../test/pipeline/world.ts';
import { millionApi, pageOf } from './million-api.ts';
import connector from './million-connector.ts';

/**
 * npm run bench:million [-- --records 1000000 --stream pages]
 *
 * First what the tree costs, by listings of 10, 1,000 and 10,000 pages in memory: the largest item, and the write units of DynamoDB for each page.
 * Then so many records through the embedded stack: whether each came exactly once, and how much memory the process took at most.
 */
const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, stream: { type: 'string', default: 'pages' } },
});
const PAGE = 100;
const WATCHED_EVERY = 500;

/** A table that adds up what its writes cost: a write unit for each begun KB of the item, as it is before or after, whichever is larger. */
function meteredTable() {
  const cost = { units: 0, writes: 0, largest: new Map<string, number>() };
  const note = (sk: string, item: Item | undefined): void => {
    const size = sizeOf({ sk, ...item }) + 60;
    const kind = sk.startsWith('NODE') ? `NODE ${String(item?.kind)}` : (sk.split('#')[0] ?? sk);
    cost.largest.set(kind, Math.max(cost.largest.get(kind) ?? 0, size));
    cost.units += Math.ceil(size / 1_024);
    cost.writes += 1;
  };
  const noted = async (sk: string, written: Promise<Written<Item>>): Promise<Written<Item>> => {
    const result = await written;
    note(sk, result.item);
    return result;
  };
  const metered = (table: Table): Table => ({
    ...table,
    get: (key) => table.get(key),
    query: (...input) => table.query(...input),
    live: (value) => table.live(value),
    stalest: (value) => table.stalest(value),
    create: (key, item) => noted(key.sk, table.create(key, item)),
    update: (key, ...input) => noted(key.sk, table.update(key, ...input)),
    upsert: (key, ...input) => noted(key.sk, table.upsert(key, ...input)),
  });
  return { cost, metered };
}

const sizeOf = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + name.length + bytesOf(value), 0);
const bytesOf = (value: Item[string]): number =>
  value instanceof Set ? [...value].reduce((sum, each) => sum + each.length, 0) : String(value).length;

async function costOf(stream: string, count: number): Promise<void> {
  const { cost, metered } = meteredTable();
  const world = makeWorld({
    connector,
    params: { url: 'http://api.test' },
    metered,
    api: ({ query }) => json(pageOf(count * PAGE - 1, query)),
  });
  const receipt = await world.sync(stream);
  const largest = [...cost.largest].map(([kind, bytes]) => `${kind} ${bytes}`).join(' · ');
  const each = (cost.units / receipt.pages.fetched).toFixed(2);
  console.log(
    `${stream.padEnd(8)} ${String(count).padStart(6)} pages: ${receipt.verdict}, ${each} write units a page; largest items in bytes: ${largest}`,
  );
}

/** The greatest resident set of a process and its children, in MB, and how it grew from a third of the run to its end. */
function watch(pid: number): () => { peak: number; growth: number } {
  const seen: number[] = [];
  const timer = setInterval(() => {
    try {
      const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      if (kilobytes !== undefined) seen.push(Number(kilobytes) / 1_024);
    } catch {
      // It has ended.
    }
  }, WATCHED_EVERY);
  return () => {
    clearInterval(timer);
    const mean = (part: readonly number[]): number =>
      part.reduce((sum, one) => sum + one, 0) / Math.max(1, part.length);
    const third = Math.floor(seen.length / 3);
    return { peak: Math.max(0, ...seen), growth: mean(seen.slice(2 * third)) / mean(seen.slice(third, 2 * third)) };
  };
}

async function embedded(stream: string, records: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-million-'));
  const { server, asked } = millionApi(records);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const args = [
    'run',
    join(import.meta.dirname, 'million-connector.ts'),
    '--stream',
    stream,
    '--json',
    '--out',
    folder,
  ];
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../bin/headgate.ts'), ...args, '--param', `url=http://127.0.0.1:${port}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const stop = watch(child.pid ?? 0);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const [code] = await once(child, 'close');
  const { peak, growth } = stop();
  server.close();
  server.closeAllConnections();
  const receipt = receiptSchema.parse(JSON.parse(stdout));
  const seen = new Uint8Array(records);
  let twice = 0;
  for (const { key } of linesOf(join(folder, receipt.manifest), z.object({ key: z.string() }))) {
    for (const { id } of linesOf(join(folder, key), z.object({ id: z.int() }))) {
      if (seen[id] === 1) twice += 1;
      seen[id] = 1;
    }
  }
  const missing = seen.reduce((sum, one) => sum + (one === 0 ? 1 : 0), 0);
  const seconds = (performance.now() - began) / 1_000;
  const again = [...asked.values()].filter((times) => times > 1).length;
  console.log(
    `${stream}: exit ${code}, ${receipt.verdict} by ${receipt.evidence}, ${receipt.records.delivered} records in ${receipt.pages.fetched} pages, ` +
      `${receipt.requests.sent} requests; ${missing} missing, ${twice} twice, ${again} pages asked for again; ` +
      `${seconds.toFixed(0)} s, at most ${peak.toFixed(0)} MB, ${growth.toFixed(2)} × as much in the last third as in the second`,
  );
  await rm(folder, { recursive: true });
}

const linesOf = <S extends z.ZodType>(file: string, schema: S): z.output<S>[] =>
  gunzipSync(readFileSync(file))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => schema.parse(JSON.parse(line)));

for (const stream of ['pages', 'offsets', 'cursor'])
  for (const count of [10, 1_000, 10_000]) await costOf(stream, count);
await embedded(values.stream, Number(values.records));
