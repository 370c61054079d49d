import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { links, one } from '../../../lib/core/connector/paging.ts';
import { detectLoop, nextCursor } from '../../../lib/core/listing/chain.ts';
import { nextLink } from '../../../lib/core/response/links.ts';
import { kinds } from '../../pipeline/kinds.ts';

const reply = (body: unknown, headers: Record<string, string> = {}) => ({
  status: 200,
  header: (name: string) => headers[name.toLowerCase()],
  body,
});
const HERE = 'https://api.test/v1/rows?size=10';

describe('where a chain goes next', () => {
  const { rows: byCursor } = kinds.cursor.connector.streams;
  const { rows: byLink } = kinds.links.connector.streams;
  const { rows: byKey } = kinds.keyset.connector.streams;
  assert.ok(byCursor && byLink && byKey);
  const link = (target: string) => nextCursor(byLink, reply([], { link: `<${target}>; rel="next"` }), [], HERE);

  it('cursor: what the page gives, until it gives nothing', () => {
    assert.deepEqual(nextCursor(byCursor, reply({ next: 'abc' }), [], HERE), { is: 'next', cursor: 'abc' });
    assert.deepEqual(nextCursor(byCursor, reply({ next: 7 }), [], HERE), { is: 'next', cursor: '7' });
    const end = (next: unknown) => nextCursor(byCursor, reply({ next }), [], HERE);
    for (const next of [null, '', false]) assert.deepEqual(end(next), { is: 'end', by: 'explicit' });
    assert.deepEqual(end(undefined), { is: 'end', by: 'absent' });
    assert.deepEqual(nextCursor(byCursor, reply({ has_more: false }), [], HERE), { is: 'end', by: 'explicit' });
  });

  it('links: resolved against the page, and never off its origin', () => {
    assert.deepEqual(link('?page=2'), { is: 'next', cursor: 'https://api.test/v1/rows?page=2' });
    assert.deepEqual(link('/v2/rows'), { is: 'next', cursor: 'https://api.test/v2/rows' });
    for (const foreign of ['https://evil.test/v1', 'http://api.test/v1', 'https://api.test:444/v1', '//evil.test/']) {
      assert.equal(link(foreign).is, 'stuck', foreign);
    }
    assert.deepEqual(nextCursor(byLink, reply([]), [], HERE), { is: 'end', by: 'absent' });
    assert.deepEqual(link(HERE), { is: 'end', by: 'self' });
    const byField = { ...byLink, paging: links({ size: 10, next: ({ body }) => body.next }) };
    const object = nextCursor(byField, reply({ next: { href: '/v1/rows?page=2' } }), [], HERE);
    assert.match(object.is === 'stuck' ? object.message : object.is, /must be text \(got \{"href"/);
  });

  it('one: nowhere', () => {
    const whole = { ...byLink, paging: one() };
    assert.deepEqual(nextCursor(whole, reply([]), [], HERE), { is: 'end', by: 'explicit' });
  });

  it('keyset: the last record, as long as the API says there is more', () => {
    assert.deepEqual(nextCursor(byKey, reply({ more: true }), [{ id: 4 }, { id: 9 }], HERE), {
      is: 'next',
      cursor: '9',
    });
    assert.deepEqual(nextCursor(byKey, reply({ more: false }), [{ id: 9 }], HERE), { is: 'end', by: 'explicit' });
    assert.equal(nextCursor(byKey, reply({ more: true }), [], HERE).is, 'stuck');
    assert.equal(nextCursor(byKey, reply({ more: true }), [{}], HERE).is, 'stuck');
  });
});

describe('a loop', () => {
  /** Follows cursors until a loop is seen; gives the step. */
  function follow(cursorAt: (step: number) => string, most: number): number | undefined {
    let remembered: string | undefined;
    for (let step = 1; step <= most; step++) {
      const { loop, remember } = detectLoop(step, cursorAt(step), remembered);
      if (loop) return step;
      remembered = remember;
    }
    return undefined;
  }

  it('of any length behind any lead is found within three times their sum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(50), (length, lead) => {
        const found = follow((step) => (step <= lead ? `lead ${step}` : `${(step - lead) % length}`), 1_000);
        assert.ok(found !== undefined && found <= 3 * (length + lead) + 1, `found at ${found}`);
      }),
    );
  });

  it('is never seen where there is none', () => {
    assert.equal(follow(String, 10_000), undefined);
  });
});

describe('the next link of a Link header (RFC 8288)', () => {
  const cases: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['<https://a.test/?page=2>; rel="next"', 'https://a.test/?page=2'],
    ['<https://a.test/?page=1>; rel="prev", <https://a.test/?page=3>; rel="next"', 'https://a.test/?page=3'],
    ['<https://a.test/?page=3>; rel=next', 'https://a.test/?page=3'],
    ['<https://a.test/?a=1,2;3>; title="a, <b>; rel=x"; rel="last next"', 'https://a.test/?a=1,2;3'],
    ['<https://a.test/>; REL="NEXT"', 'https://a.test/'],
    ['<https://a.test/>; rel="nextish"', undefined],
    ['</rows?page=2>;rel="next"', '/rows?page=2'],
    ['<https://a.test/?page=2>; title="the \\"new\\", all"; rel="next"', 'https://a.test/?page=2'],
    ['<https://a.test/?page=2>;; rel="next";', 'https://a.test/?page=2'],
    ["<https://a.test/?page=2>; rel='next'", 'https://a.test/?page=2'],
    ['<https://a.test/1>; rel="prev"; title*=UTF-8\'\'a%20b,<https://a.test/3> ; rel = next', 'https://a.test/3'],
    ['<https://a.test/1>; rel="prev",, <https://a.test/9>; rel="last"', undefined],
  ];
  for (const [header, target] of cases) it(`${header} → ${target}`, () => assert.equal(nextLink(header), target));

  for (const header of ['<https://a.test/?page=2>; title="a; rel="next"', '<https://a.test/?page=2; rel="next"'])
    it(`${header} → cannot be read, which is no end`, () => assert.throws(() => nextLink(header), /cannot be read/));
});
