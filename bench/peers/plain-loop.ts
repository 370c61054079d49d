import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Agent, request } from 'undici';
import * as z from 'zod';
import { CLIENT, type Job } from './job.ts';

/**
 * node plain-loop.ts job.json
 *
 * What one writes in an afternoon: ten requests in flight where pages can be computed, no retry, a status that is not 2xx throws. It is the floor for speed.
 */
const IN_FLIGHT = 10;
const job: Job = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const dispatcher = new Agent({ connections: IN_FLIGHT });
const zipped = createGzip();
const written = finished(zipped.pipe(createWriteStream(join(job.out, 'rows.ndjson.gz'))));
const bodySchema = z.object({
  rows: z.array(z.looseObject({})),
  total: z.int().optional(),
  next: z.string().nullish(),
});
const tokenSchema = z.object({ access_token: z.string() });

async function get(url: string) {
  const { statusCode, headers, body } = await request(url, { dispatcher, headers: await authorization() });
  if (statusCode >= 300) throw new Error(`${statusCode} ${await body.text()}`);
  return { headers, ...bodySchema.parse(await body.json()) };
}

let token: Promise<string> | undefined;
async function authorization(): Promise<Record<string, string>> {
  if (job.auth === 'none') return {};
  token ??= fetchToken();
  return { authorization: `Bearer ${await token}` };
}

async function fetchToken(): Promise<string> {
  const { body } = await request(`${job.url}/token`, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
    }).toString(),
  });
  return tokenSchema.parse(await body.json()).access_token;
}

function write(rows: readonly object[]): void {
  for (const row of rows) zipped.write(`${JSON.stringify(row)}\n`);
}

/** All of them, ten in flight. */
async function inFlight<T>(items: readonly T[], take: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const item of left) await take(item);
    }),
  );
}

async function readNumbered(stream: string): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = [];
  const place = (page: number): string =>
    job.paging === 'offsets' ? `offset=${(page - 1) * job.size}` : `page=${page}`;
  const read = async (page: number): Promise<number> => {
    const { rows, total = 0 } = await get(`${job.url}/${stream}?${place(page)}&size=${job.size}`);
    if (job.paging === 'parents') all.push(...rows);
    write(job.paging === 'parents' ? [] : rows);
    return total;
  };
  const pages = Math.ceil((await read(1)) / job.size);
  await inFlight(
    Array.from({ length: Math.max(0, pages - 1) }, (_, index) => index + 2),
    async (page) => void (await read(page)),
  );
  return all;
}

async function walk(stream: string): Promise<void> {
  let url: string | undefined = `${job.url}/${stream}?size=${job.size}`;
  while (url !== undefined) {
    const { headers, rows, next }: Awaited<ReturnType<typeof get>> = await get(url);
    write(rows);
    const link = /<([^>]*)>; rel="next"/.exec(String(headers.link ?? ''))?.[1];
    if (job.paging === 'links') url = link === undefined ? undefined : new URL(link, url).href;
    else if (job.paging === 'one' || !next) url = undefined;
    else url = `${job.url}/${stream}?size=${job.size}&cursor=${encodeURIComponent(next)}`;
  }
}

async function readParents(): Promise<void> {
  await inFlight(await readNumbered('parents'), async ({ id }) =>
    write((await get(`${job.url}/parents/${id}/children`)).rows),
  );
}

if (job.paging === 'parents') await readParents();
else if (job.paging === 'pages' || job.paging === 'offsets') await Promise.all(job.streams.map(readNumbered));
else await Promise.all(job.streams.map(walk));
zipped.end();
await written;
await dispatcher.close();
