import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../../../lib/core/exchange.ts';
import { cursorNature } from '../../../lib/core/listing/counting-cursor.ts';
import { readContentRange } from '../../../lib/core/response/content-range.ts';
import { envelopeFields } from '../../../lib/core/response/envelope.ts';
import { readJson, writeJson } from '../../../lib/core/response/json.ts';
import { readMoreWord } from '../../../lib/core/response/more-word.ts';
import { truncatedLists } from '../../../lib/core/response/nested-lists.ts';
import { saysPartial } from '../../../lib/core/response/partial.ts';
import { quotaOf } from '../../../lib/core/response/quota.ts';
import { parseDate, retryAfter } from '../../../lib/core/response/retry-after.ts';
import { readStatedTotal, saysLowerBound } from '../../../lib/core/response/stated-total.ts';
import { findUnreadNext } from '../../../lib/core/response/unread-next.ts';
import { seededRandom } from '../../memory/random.ts';

/**
 * Whatever an API answers, reading it must not throw: a function that does ends its worker, and the page is tried until it counts as deadly. Names and
 * values are those that the readers look for, and those by which objects of JavaScript are known.
 */

const NAMES =
  'next,next_cursor,has_more,total,value,relation,lines,data,_shards,failed,count,page,items,id,toString,valueOf,constructor,__proto__,toJSON,length,then'.split(
    ',',
  );
const TEXTS = [
  '',
  'a',
  '0',
  '10+',
  '12345678901234567890',
  'gte',
  'https://a.test/?page=2',
  'aaa=',
  '{"offset":1}',
  '\u2028',
  '\ud800',
  '%',
  '<>',
];
const HEADERS = [
  'bytes 0-1/2',
  'items 0-/',
  '<https://a.test>; rel=next',
  '<',
  '"a";r=1;t=2',
  'limit=, remaining',
  'Tue, 99 Foo',
  '-1',
  '1e999',
];

const random = seededRandom(14);
const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random.number() * of.length)];

/** A value of JSON, as an API could send it, read as answers are. */
function anyValue(depth: number): unknown {
  const kind = Math.floor(random.number() * (depth > 0 ? 9 : 6));
  if (kind === 0) return pick(TEXTS);
  if (kind === 1) return pick([0, 1, -1, 10_000, 1.5, 1e300, 12_345_678_901_234_567_890n]);
  if (kind === 2) return pick([true, false]);
  if (kind === 3) return null;
  if (kind < 6) return pick(HEADERS);
  const entries = Array.from({ length: Math.floor(random.number() * 4) }, () => anyValue(depth - 1));
  return kind === 6 ? entries : Object.fromEntries(entries.map((value) => [pick(NAMES) ?? '', value]));
}

/** Through JSON, so that `__proto__` is a field of its own. */
const sent = (value: unknown): unknown => readJson(writeJson(value) ?? 'null');

const READERS: Readonly<Record<string, (body: unknown, records: readonly unknown[], reply: Reply) => unknown>> = {
  envelopeFields,
  readMoreWord,
  saysLowerBound,
  findUnreadNext: (body, records) => findUnreadNext(body, records, { here: [], explicit: false }),
  readStatedTotal,
  truncatedLists: (body) => truncatedLists(body),
  saysPartial: (_, records, reply) => saysPartial(reply, records, true),
  cursorNature: (body, records, reply) =>
    cursorNature(undefined, reply.header('link') ?? (writeJson(body) || '1'), {
      index: 0,
      read: 1,
      size: 1,
      last: records.at(-1),
    }),
  readContentRange: (_, __, reply) => readContentRange(reply.header('content-range')),
  quotaOf: (_, __, reply) => quotaOf(reply.header, 1e12),
  retryAfter: (_, __, reply) => retryAfter(reply.header('retry-after'), reply.header('date'), 1e12),
  parseDate: (_, __, reply) => parseDate(reply.header('date') ?? ''),
};

for (const [name, read] of Object.entries(READERS))
  test(`${name} reads whatever is sent`, () => {
    for (let round = 0; round < 3_000; round++) {
      const body = sent(anyValue(3));
      const records = Array.isArray(body) ? body : [sent(anyValue(3)), body];
      const headers = new Map(
        Array.from({ length: 6 }, () => [
          pick(['link', 'content-range', 'retry-after', 'date', 'ratelimit', 'x-ratelimit-reset']),
          pick(HEADERS),
        ]),
      );
      const reply: Reply = { status: 200, header: (header) => headers.get(header), body };
      assert.doesNotThrow(() => read(body, records, reply), writeJson(body));
    }
  });
