import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { it } from 'node:test';
import { countRepeats, type KeyedPart } from '../../../lib/pipeline/records/count-repeats.ts';
import { partKeysKey } from '../../../lib/pipeline/records/store-part.ts';
import { honest, numbered, rows } from '../kinds.ts';
import { makeWorld } from '../world.ts';

const world = makeWorld({ connector: numbered(true), api: honest(rows(1)) });
const invocation = world.invocation();
const fingerprints = (keys: readonly string[]): Buffer =>
  Buffer.concat(keys.map((key) => hash('sha256', key, 'buffer').subarray(0, 8)));

/** Parts with these keys, so many in each: the first one keeps them in its item. */
async function store(name: string, keys: readonly string[], each: number): Promise<KeyedPart[]> {
  const parts: KeyedPart[] = [];
  for (let at = 0; at < keys.length; at += each) {
    const some = keys.slice(at, at + each);
    const part = { key: `${name}/${at}.ndjson.gz`, keys: undefined, delivered: some.length, quarantined: 0 };
    if (at === 0) parts.push({ ...part, keys: fingerprints(some).toString('base64') });
    else {
      await world.objects.create(partKeysKey(part.key), fingerprints(some), { type: 'application/octet-stream' });
      parts.push(part);
    }
  }
  return parts;
}

it('counts the same whatever fits into memory at once', async () => {
  const keys = Array.from({ length: 5_000 }, (_, i) => String(i % 4_321));
  const parts = await store('some', keys, 300);
  for (const atOnce of [10_000, 5_000, 4_999, 1_000, 130])
    assert.equal(await countRepeats(invocation, parts, atOnce), 5_000 - 4_321, `${atOnce} at once`);
});

it('counts a key that comes again and again, more often than fits into memory', async () => {
  const keys = Array.from({ length: 5_000 }, (_, i) => (i % 10 === 0 ? String(i) : 'the same'));
  assert.equal(await countRepeats(invocation, await store('same', keys, 250), 200), 5_000 - 501);
});

it('skips the quarantined records that another part has mapped again', async () => {
  const part = { key: 'x/1.ndjson.gz', keys: fingerprints(['a', 'b', 'a']).toString('base64') };
  assert.equal(await countRepeats(invocation, [{ ...part, delivered: 2, quarantined: 1 }]), 1);
  assert.equal(await countRepeats(invocation, [{ ...part, delivered: 2, quarantined: 0 }]), 0);
});

it('does not close a sync by fingerprints that are not there', async () => {
  const part = { key: 'gone/1.ndjson.gz', keys: undefined, delivered: 2, quarantined: 0 };
  await assert.rejects(countRepeats(invocation, [part]), /do not match its 2 records/);
});
