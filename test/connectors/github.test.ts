import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import github from '../../lib/connectors/github.ts';
import { dateMark } from '../../lib/core/connector/since.ts';
import { instant } from '../../lib/core/dates.ts';
import { nextLink } from '../../lib/core/response/links.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { ask, EVER, held, send, walk } from '../simulator/walk.ts';
import { recorded, replay } from './github-replay.ts';

const SCENARIO = 'api.github.com/paginate-issues';
const { issues, repos } = github.streams;
const params = github.params.parse({ org: 'octokit-fixture-org', repo: 'paginate-issues' });

test('issues are asked for as GitHub documents it: all states, by date of change, since the window begins', () => {
  const window = { from: instant(Date.UTC(2026, 0, 2, 3, 4, 5)), to: instant(Date.UTC(2026, 5, 1)) };
  assert.deepEqual(ask(issues, params, window, { size: 100 }), {
    path: '/repos/octokit-fixture-org/paginate-issues/issues',
    query: { state: 'all', sort: 'updated', direction: 'desc', since: '2026-01-02T03:04:05.000Z', per_page: 100 },
  });
});

test('a company with a GitHub of its own names its API', () => {
  const baseUrl = (given: object) =>
    github.baseUrl({ params: github.params.parse({ org: 'o', repo: 'r', ...given }), grant: undefined });
  assert.equal(baseUrl({}), 'https://api.github.com');
  assert.equal(baseUrl({ api: 'https://github.example.com/api/v3' }), 'https://github.example.com/api/v3');
});

describe('what GitHub really sent fits the connector', () => {
  test('every recorded issue parses, dates included', async () => {
    const pages = await recorded(SCENARIO);
    const records = pages.flatMap(({ response }) => issues.records(response));
    assert.equal(records.length, 13);
    for (const record of records) {
      const parsed = issues.schema.safeParse(record);
      assert.ok(parsed.success, JSON.stringify(parsed.error?.issues));
      assert.equal(dateMark(issues.since)?.field(record), '2017-10-10T16:00:00Z');
    }
    assert.equal(new Set(records.map((record) => z.object({ id: z.int() }).parse(record).id)).size, 13);
  });

  test('labels and assignees parse, too', async () => {
    const found = await recorded('api.github.com/search-issues');
    const { items } = z.object({ items: z.array(z.unknown()).min(1) }).parse(found[0]?.response);
    for (const item of items) assert.ok(issues.schema.safeParse(item).success);
  });

  test('a recorded repository parses', async () => {
    const [found] = await recorded('api.github.com/get-repository');
    const parsed = repos.schema.safeParse(found?.response);
    assert.ok(parsed.success, JSON.stringify(parsed.error?.issues));
  });

  test('the next link is found on every page but the last', async () => {
    const pages = await recorded(SCENARIO);
    const next = pages.map(({ headers }) => nextLink(headers.link));
    const url = (page: number) => `https://api.github.com/repositories/1000/issues?per_page=3&page=${page}`;
    assert.deepEqual(next, [url(2), url(3), url(4), url(5), undefined]);
  });
});

describe('the replay of the recording', () => {
  test('is walked to its end along its own links', async (t) => {
    const { url, stop } = await replay(SCENARIO);
    t.after(stop);
    const found = await walk(github, { url, params }, 'issues');
    const all = (await recorded(SCENARIO)).flatMap(({ response }) => issues.records(response));
    assert.deepEqual(found, all);
  });

  test('has nothing else', async (t) => {
    const { url, stop } = await replay(SCENARIO);
    t.after(stop);
    for (const path of ['/repos/octokit-fixture-org/other/issues', '/repositories/1000/issues?page=6']) {
      assert.equal((await send({ url }, { path })).status, 404);
    }
  });
});

for (const stream of ['repos', 'issues']) {
  test(`a simulated GitHub lists its ${stream}`, async (t) => {
    const simulation = await simulate(github, { records: 250, params: { org: 'acme', repo: 'shop' } });
    t.after(simulation.stop);
    const headers = { authorization: `Bearer ${simulation.secret.token}` };
    assert.deepEqual(await walk(github, simulation, stream, EVER, headers), held(simulation, stream, 250));
  });
}
