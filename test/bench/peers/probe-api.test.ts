import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { PagingKind } from '../../../bench/peers/job.ts';
import { PAGE, type Probe } from '../../../bench/peers/probe.ts';
import { probeServer } from '../../../bench/peers/probe-api.ts';
import { allProbes } from '../../../bench/peers/probes.ts';
import { withServer } from '../../../bench/peers/with-server.ts';

const bodySchema = z.object({ rows: z.array(z.object({ id: z.int() })), next: z.string().nullish() });
const honest = (paging: PagingKind): Probe => ({
  title: 'is honest',
  paging,
  answer: (request, api) => api.honest(request),
});

async function readAll(url: string, paging: PagingKind): Promise<number[]> {
  const ids: number[] = [];
  let query: string | undefined = paging === 'pages' ? 'page=1' : 'offset=0';
  for (let page = 1; query !== undefined; page += 1) {
    const response: Response = await fetch(`${url}/rows?size=${PAGE}&${query}`);
    const { rows, next } = bodySchema.parse(await response.json());
    ids.push(...rows.map(({ id }) => id));
    const link = /cursor=([^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    const cursor: string | null | undefined = paging === 'links' ? link : next;
    if (paging === 'pages') query = rows.length === PAGE ? `page=${page + 1}` : undefined;
    else if (paging === 'offsets') query = rows.length === PAGE ? `offset=${page * PAGE}` : undefined;
    else query = cursor ? `cursor=${cursor}` : undefined;
  }
  return ids;
}

test('an honest API gives every row once, however it is paged', async () => {
  for (const paging of ['pages', 'offsets', 'cursor', 'links'] as const) {
    const { server, throughout } = probeServer(honest(paging), () => assert.fail('asked without end'));
    const ids = await withServer(server, (url) => readAll(url, paging));
    assert.deepEqual(ids.map(String), throughout());
    assert.equal(ids.length, 450);
  }
});

test('a reader that goes round in circles is noticed', async () => {
  let noticed = false;
  const { server } = probeServer(honest('pages'), () => {
    noticed = true;
  });
  await withServer(server, async (url) => {
    for (let times = 0; times <= 300; times += 1) await (await fetch(`${url}/rows?page=2`)).text();
  });
  assert.ok(noticed);
});

test('rows that were deleted meanwhile are not expected', async () => {
  const probe = allProbes.find(({ title }) => title === 'deletes rows while numbered pages are read');
  assert.ok(probe);
  const { server, throughout } = probeServer(probe, () => {});
  const ids = await withServer(server, (url) => readAll(url, 'pages'));
  assert.equal(throughout().length, 420);
  assert.equal(throughout().filter((id) => !ids.includes(Number(id))).length, 30);
});

test('every probe has a title of its own', () => {
  const titles = allProbes.map(({ title }) => title);
  assert.equal(new Set(titles).size, titles.length);
  assert.ok(titles.length >= 25);
});

test('answers are JSON, unless a probe says otherwise', async () => {
  const page = { path: '/rows', query: new URLSearchParams({ page: '3', size: '100' }), host: 'api.test', page: 3 };
  for (const probe of allProbes.filter(({ title }) => !/HTML|body|cuts JSON|204/.test(title))) {
    const { api } = probeServer(probe, () => {});
    const { body } = probe.answer({ ...page, authorization: undefined, times: 1 }, api);
    assert.doesNotThrow(() => JSON.parse(body), probe.title);
  }
});
