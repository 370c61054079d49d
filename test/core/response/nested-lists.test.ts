import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { truncatedLists } from '../../../lib/core/response/nested-lists.ts';

describe('a list inside of a record says that it is cut off', () => {
  const cases: readonly [record: unknown, places: readonly string[]][] = [
    [{ id: 1, lines: { object: 'list', data: [1, 2], has_more: true, total_count: 15 } }, ['lines']],
    [{ id: 1, lines: { data: [1, 2], total_count: 15 } }, ['lines']],
    [{ fields: { worklog: { worklogs: [1], startAt: 0, maxResults: 1, total: 32 } } }, ['fields.worklog']],
    [{ id: 1, orders: { nodes: [1], pageInfo: { hasNextPage: true } } }, ['orders']],
    [{ id: 1, 'lines@odata.nextLink': 'https://a.test/2', lines: [1] }, ['']],
    [{ from: 1, to: [1, 2], paging: { next: { after: '2' } } }, ['']],
    [{ id: 1, comments: { data: [1], links: { next: '/comments?page=2' } } }, ['comments']],
    [{ id: 1, comments: { data: [1], next: 'https://a.test/2' } }, ['comments']],
    [{ id: 1, groups: [{ members: { items: [1], totalCount: 9 } }] }, ['groups.members']],
    [{ id: 1, children: [1], has_more: true }, ['']],
  ];
  for (const [record, places] of cases)
    it(JSON.stringify(record), () => assert.deepEqual(truncatedLists(record), places));
});

describe('a list inside of a record is whole', () => {
  for (const record of [
    { id: 1, lines: { data: [1, 2], has_more: false, total_count: 2 } },
    // The API's own word weighs more than a number.
    { id: 1, lines: { data: [1, 2], has_more: false, total_count: 15 } },
    { id: 1, invoice: { lines: [1, 2], total: 3_200 } },
    { id: 1, total: 3_200, lines: [1, 2] },
    { id: 1, tags: ['a'], next: 'approve', total_count: 7 },
    { id: 1, workflow: { steps: [1], next: 'approve' } },
    { id: 1, tasks: [1], done: false },
    { id: 1, stock: { sizes: [1], size: 42, count: 9 } },
    { id: 1, lines: { has_more: true } },
    { id: 1, comments: { data: [1], links: { next: null } } },
    'text',
    null,
  ])
    it(JSON.stringify(record), () => assert.deepEqual(truncatedLists(record), []));
});
