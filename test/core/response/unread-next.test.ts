import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findUnreadNext } from '../../../lib/core/response/unread-next.ts';

const INFERRED = { here: [], explicit: false };
const EXPLICIT = { here: [], explicit: true };

describe('a last page leads on, although nothing reads it, by', () => {
  const leads: readonly [body: unknown, path: string][] = [
    [{ next_cursor: 'a' }, 'next_cursor'],
    [{ nextPageToken: 'a' }, 'nextPageToken'],
    [{ pagination: { next_page_cursor: 'a' } }, 'pagination.next_page_cursor'],
    [{ '@odata.nextLink': 'https://a.test/2' }, '@odata.nextLink'],
    [{ links: { next: '/rows?page=2' } }, 'links.next'],
    [{ _links: { next: { href: '/rows?page=2' } } }, '_links.next'],
    [{ paging: { next: { after: '100' } } }, 'paging.next'],
    [{ nextRecordsUrl: '/q/01' }, 'nextRecordsUrl'],
    [{ next: 2 }, 'next'],
    [{ meta: { next_page: 2 } }, 'meta.next_page'],
    [{ continuationToken: 'a' }, 'continuationToken'],
    [{ continue: { apcontinue: 'B' } }, 'continue'],
    [{ LastEvaluatedKey: { id: { S: 'a' } } }, 'LastEvaluatedKey'],
  ];
  for (const [body, path] of leads)
    it(JSON.stringify(body), () => {
      assert.equal(findUnreadNext(body, [], INFERRED)?.path, path);
      assert.equal(findUnreadNext(body, [], EXPLICIT)?.path, path);
    });

  it('a cursor that may as well be its own, unless the page says that it is the last', () => {
    for (const body of [
      { cursor: 'a' },
      { _scroll_id: 'a' },
      { pageToken: 'a' },
      { paging: { cursors: { after: 'a' } } },
    ]) {
      assert.ok(findUnreadNext(body, [], INFERRED), JSON.stringify(body));
      assert.equal(findUnreadNext(body, [], EXPLICIT), undefined);
    }
  });
});

describe('nothing leads on', () => {
  for (const body of [
    { next: null },
    { next_cursor: '' },
    { next_page: 0 },
    { links: { next: { href: '' } } },
    { access_token: 'a', token: 'b', nextSteps: 'call us', after: 'a' },
    { rows: [{ next_cursor: 'a' }] },
    { a: { b: { c: { d: { next: 'a' } } } } },
  ])
    it(`in ${JSON.stringify(body)}`, () => assert.equal(findUnreadNext(body, [], INFERRED), undefined));

  it('by what led to this page itself', () => {
    const here = ['abc', 'https://a.test/rows?page=3'];
    assert.equal(findUnreadNext({ cursor: 'abc', next: here[1] }, [], { here, explicit: false }), undefined);
    assert.ok(findUnreadNext({ cursor: 'abd' }, [], { here, explicit: false }));
  });

  it('inside of a record', () => {
    const record = { id: 1, next: 'a' };
    assert.equal(findUnreadNext({ rows: { first: record } }, [record], INFERRED), undefined);
  });
});
