import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { s3Objects } from '../../lib/aws/objects.ts';
import type { Objects } from '../../lib/pipeline/ports.ts';
import { memoryObjects } from '../memory/objects.ts';
import { BUCKET, type Embedded, startEmbedded } from './embedded.ts';
import { type Fauxqs, startFauxqs } from './fauxqs.ts';
import { testWithGap } from './gap.ts';
import { makeBucket, namedEndpoint } from './named-endpoint.ts';

type Gap = 'an object is never overwritten' | 'of 20 who create one object, one does' | 'an object of 12 MB';

const json = { type: 'application/json' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What every `Objects` does. */
function objectsContract(open: () => Objects, gaps: readonly Gap[]): void {
  let keys = 0;
  const freeKey = (): string => `practice/acme/orders/${keys++}.ndjson.gz`;

  test('an object comes back byte by byte', async () => {
    const [key, body] = [freeKey(), randomBytes(100_000)];
    assert.equal(await open().create(key, body, json), true);
    assert.deepEqual(Buffer.from((await open().get(key)) ?? []), body);
  });

  test('what is stored compressed comes back compressed', async () => {
    const [key, body] = [freeKey(), gzipSync('{"id":1}\n'.repeat(1_000))];
    await open().create(key, body, { type: 'application/x-ndjson', encoding: 'gzip' });
    assert.deepEqual(Buffer.from((await open().get(key)) ?? []), body);
  });

  test('an object may be empty', async () => {
    const key = freeKey();
    assert.equal(await open().create(key, new Uint8Array(), json), true);
    assert.deepEqual(
      await open()
        .get(key)
        .then((body) => body?.length),
      0,
    );
  });

  test('what is not there is undefined', async () => {
    assert.equal(await open().get(freeKey()), undefined);
  });

  test('a key may hold what ids and paths hold', async () => {
    for (const name of ['a b+c&d=e', 'grüße/\u{1F600}', '2026-11-22T10:00:00.000Z#1', "(quoted)'*!~", '100%25']) {
      const key = `${freeKey()}/${name}`;
      await open().create(key, bytes(name), json);
      assert.deepEqual(Buffer.from((await open().get(key)) ?? []).toString(), name);
    }
  });

  testWithGap(gaps, 'an object is never overwritten', async () => {
    const key = freeKey();
    await open().create(key, bytes('first'), json);
    assert.equal(await open().create(key, bytes('second'), json), false);
    assert.equal(Buffer.from((await open().get(key)) ?? []).toString(), 'first');
  });

  testWithGap(gaps, 'of 20 who create one object, one does', async () => {
    const key = freeKey();
    const bodies = Array.from({ length: 20 }, (_, index) => `body ${index}`);
    const created = await Promise.all(bodies.map((body) => open().create(key, bytes(body), json)));
    assert.equal(created.filter((did) => did).length, 1);
    assert.equal(Buffer.from((await open().get(key)) ?? []).toString(), bodies[created.indexOf(true)]);
  });

  testWithGap(gaps, 'an object of 12 MB', async () => {
    const [key, body] = [freeKey(), Buffer.alloc(12_000_000, 'a')];
    const created = await open()
      .create(key, body, json)
      .catch(() => false);
    assert.equal(created, true);
    assert.equal((await open().get(key))?.length, body.length);
  });
}

describe('Objects in memory', () => {
  const objects = memoryObjects();
  objectsContract(() => objects, []);

  test('are copies: what is done to the bytes outside does not reach them', async () => {
    const body = bytes('kept');
    await objects.create('copied', body, json);
    body.fill(0);
    (await objects.get('copied'))?.fill(0);
    assert.equal(Buffer.from((await objects.get('copied')) ?? []).toString(), 'kept');
  });
});

describe('Objects on S3 (fauxqs)', () => {
  let fauxqs: Fauxqs;
  before(async () => {
    fauxqs = await startFauxqs();
    fauxqs.server.createBucket('objects');
  });
  after(() => fauxqs.stop());
  objectsContract(
    () => s3Objects(fauxqs.s3, 'objects'),
    ['an object is never overwritten', 'of 20 who create one object, one does', 'an object of 12 MB'],
  );
});

describe('Objects on S3 (embedded)', () => {
  let embedded: Embedded;
  before(async () => {
    embedded = await startEmbedded();
  });
  after(() => embedded.stop());
  objectsContract(() => s3Objects(embedded.s3, BUCKET), []);
});

const endpoint = namedEndpoint('S3');
if (endpoint !== undefined) {
  describe(`Objects on S3 (${endpoint})`, () => {
    let named: Awaited<ReturnType<typeof makeBucket>>;
    before(async () => {
      named = await makeBucket(endpoint);
    });
    after(() => named.stop());
    objectsContract(() => s3Objects(named.client, named.bucket), []);
  });
}
