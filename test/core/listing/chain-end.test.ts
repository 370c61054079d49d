import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  cursor,
  defineConnector,
  keyset,
  links,
  none,
  type Raw,
  type Stream,
} from '../../../lib/core/connector/connector.ts';
import { instant } from '../../../lib/core/dates.ts';
import { nextCursor } from '../../../lib/core/listing/chain.ts';
import { type ChainTrail, decideChainEnd, NO_TRAIL } from '../../../lib/core/listing/chain-end.ts';

const HERE = 'https://api.test/rows';
const Row = z.looseObject({ id: z.int() });
const streams = defineConnector({
  ...{ name: 'test', docs: '', baseUrl: 'https://api.test', auth: none(), params: z.object({}), limits: [] },
  streams: (stream) => {
    const how = { records: (body: Raw) => body.rows, schema: Row, key: 'id' } as const;
    const request = ({ page }: { page: object | undefined }) => ({
      path: '/rows',
      query: { at: JSON.stringify(page) },
    });
    return {
      byCursor: stream({ ...how, request, paging: cursor({ size: 2, next: (reply) => reply.body.next }) }),
      byKey: stream({
        ...how,
        request,
        paging: keyset({ size: 2, after: (row) => row.id, more: (reply) => reply.body.has_more ?? false }),
      }),
      byLink: stream({ ...how, request: () => ({ path: '/rows' }), paging: links({ size: 2 }) }),
    };
  },
}).streams;

type Page = { readonly body: object; readonly index?: number; readonly at?: string; readonly link?: string };

function decide(stream: Stream, { body, index = 0, at, link }: Page, trail: Partial<ChainTrail> = {}) {
  const reply = { status: 200, header: (name: string) => (name === 'link' ? link : undefined), body };
  const records: unknown = Reflect.get(body, 'rows');
  assert.ok(Array.isArray(records));
  const step = nextCursor(stream, reply, records, HERE, {
    page: undefined,
    window: { from: instant(0), to: instant(1) },
    parent: undefined,
    parents: [],
  });
  assert.ok(step.is !== 'stuck', JSON.stringify(step));
  const page = { stream, step, reply, records, index, cursor: at, url: HERE, read: 2 * (index + 1) };
  const { cursor: next, doubts } = decideChainEnd(page, { ...NO_TRAIL, ...trail });
  return { next, codes: doubts.map(({ code }) => code) };
}

const FULL = [{ id: 1 }, { id: 2 }];

describe('the end of a chain', () => {
  it('is one that the API states', () => {
    assert.deepEqual(decide(streams.byCursor, { body: { rows: FULL, next: null } }), { next: undefined, codes: [] });
    assert.deepEqual(decide(streams.byCursor, { body: { rows: FULL, has_more: false } }).codes, []);
  });

  it('by absence is only inferred where the page is full', () => {
    assert.deepEqual(decide(streams.byCursor, { body: { rows: FULL } }).codes, ['end-inferred']);
    assert.deepEqual(decide(streams.byCursor, { body: { rows: [{ id: 1 }] } }).codes, []);
    // The API gives fewer than it is asked for: a page as long as the longest is a full one.
    assert.deepEqual(decide(streams.byCursor, { body: { rows: [{ id: 1 }] }, index: 3 }, { longest: 1 }).codes, [
      'end-inferred',
    ]);
  });

  it('that leads on unread is none', () => {
    for (const more of [
      { next_cursor: '100' },
      { links: { next: '/rows?page=2' } },
      { '@odata.nextLink': `${HERE}?2` },
    ])
      assert.deepEqual(decide(streams.byCursor, { body: { rows: FULL, next: null, ...more } }).codes, ['unread-next']);
    assert.deepEqual(decide(streams.byCursor, { body: { rows: FULL, has_more: false, next_cursor: 'x' } }).codes, []);
  });

  it('by a Link header is the absence of a next link, but for a full first page without any', () => {
    assert.deepEqual(decide(streams.byLink, { body: { rows: FULL }, link: '</rows>; rel="first"' }).codes, []);
    assert.deepEqual(decide(streams.byLink, { body: { rows: FULL }, index: 4 }).codes, []);
    assert.deepEqual(decide(streams.byLink, { body: { rows: FULL } }).codes, ['end-inferred']);
  });

  it('of a page that leads to itself is only inferred', () => {
    const link = `<${HERE}>; rel="next"`;
    assert.deepEqual(decide(streams.byLink, { body: { rows: [{ id: 1 }] }, link }).codes, ['end-inferred']);
  });

  it('that breaks a promise is looked at again from the record before, then told', () => {
    const empty = { body: { rows: [], has_more: false }, index: 2 };
    assert.equal(decide(streams.byKey, empty, { promised: true, before: '39' }).next, '39');
    assert.deepEqual(decide(streams.byKey, empty, { promised: true, before: '39', retried: true }).codes, [
      'broken-promise',
    ]);
    assert.deepEqual(decide(streams.byKey, empty).codes, []);
  });

  it('by the length of a page alone is probed once after its last record', () => {
    assert.equal(decide(streams.byKey, { body: { rows: [{ id: 7 }] } }).next, '7');
    assert.equal(decide(streams.byKey, { body: { rows: [{ id: 7 }] }, at: '7' }).next, undefined);
    assert.equal(decide(streams.byKey, { body: { rows: [{ id: 7 }], has_more: false } }).next, undefined);
  });
});
