import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readBody } from '../../lib/aws/body.ts';
import { openGate } from '../../lib/aws/gate.ts';

const KB = 1024;
const CHUNK = new Uint8Array(64 * KB);

/** A body of so many chunks, which tells how much of it was asked for. */
function bodyOf(chunks: number, onAsked: (bytes: number) => void): AsyncIterable<Uint8Array> {
  return (async function* () {
    for (let i = 1; i <= chunks; i++) {
      await Promise.resolve();
      onAsked(i * CHUNK.length);
      yield CHUNK;
    }
  })();
}

it('two large bodies are read at once, the others wait with their senders; small ones pass', async () => {
  const gate = openGate(2);
  const reading = new Map<number, number>();
  let most = 0;
  const read = (id: number, chunks: number): Promise<Uint8Array> =>
    readBody(
      bodyOf(chunks, (bytes) => {
        reading.set(id, bytes);
        most = Math.max(most, [...reading.values()].filter((each) => each > 1024 * KB + 2 * CHUNK.length).length);
      }),
      { bound: 64 * 1024 * KB },
      gate,
    ).finally(() => reading.delete(id));
  const large = Array.from({ length: 8 }, (_, id) => read(id, 100));
  const small = Array.from({ length: 8 }, (_, id) => read(100 + id, 16));
  const finished: string[] = [];
  await Promise.all([
    Promise.all(large).then(() => finished.push('large')),
    Promise.all(small).then(() => finished.push('small')),
  ]);
  assert.equal(most, 2);
  assert.deepEqual(finished, ['small', 'large']);
  for (const body of await Promise.all(large)) assert.equal(body.length, 100 * CHUNK.length);
});

it('a body that breaks off, or is too large, makes room for the next', async () => {
  const gate = openGate(1);
  async function* broken(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 20; i++) yield CHUNK;
    throw new Error('reset');
  }
  await assert.rejects(readBody(broken(), { bound: 64 * 1024 * KB }, gate), /reset/);
  await assert.rejects(
    readBody(
      bodyOf(40, () => {}),
      { bound: 30 * CHUNK.length },
      gate,
    ),
  );
  const body = await readBody(
    bodyOf(20, () => {}),
    { bound: 64 * 1024 * KB },
    gate,
  );
  assert.equal(body.length, 20 * CHUNK.length);
});
