import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jwe } from '../../lib/aws/jwe.ts';
import type { Seals } from '../../lib/pipeline/ports.ts';
import { memorySeals } from '../memory/seals.ts';

const [key, other] = [
  { value: 'k'.repeat(64), version: '1' },
  { value: 'o'.repeat(64), version: '1' },
];
const TEXT = 'a token: é, 漢字';

/** What all `Seals` do. */
function sealsContract(seals: Seals): void {
  test('what was sealed is opened again', async () => {
    const sealed = await seals.seal(key, 'a/b', TEXT);
    assert.equal(await seals.open(key, 'a/b', sealed), TEXT);
    assert.ok(!sealed.includes('token') && /^[\w.-]+$/.test(sealed));
  });
  test('only with its key, and for its owner', async () => {
    const sealed = await seals.seal(key, 'a/b', TEXT);
    assert.equal(await seals.open(other, 'a/b', sealed), undefined);
    assert.equal(await seals.open(key, 'a/c', sealed), undefined);
  });
  test('what was never sealed is not opened', async () => {
    for (const text of ['', 'x', 'a.b.c.d.e']) assert.equal(await seals.open(key, 'a/b', text), undefined);
  });
}

describe('Seals in memory', () => sealsContract(memorySeals));
describe('Seals as JWE', () => {
  sealsContract(jwe);
  test('what was changed is not opened, and nothing is sealed alike twice', async () => {
    const sealed = await jwe.seal(key, 'a/b', TEXT);
    assert.notEqual(await jwe.seal(key, 'a/b', TEXT), sealed);
    const [header, ...rest] = sealed.split('.');
    const forged = Buffer.from(
      Buffer.from(header ?? '', 'base64url')
        .toString()
        .replace('a/b', 'a/c'),
    ).toString('base64url');
    assert.equal(await jwe.open(key, 'a/c', [forged, ...rest].join('.')), undefined);
    // Changed at its first letter: the last one of base64url carries bits that are not read.
    const tag = sealed.lastIndexOf('.') + 1;
    const tampered = `${sealed.slice(0, tag)}${sealed[tag] === 'A' ? 'B' : 'A'}${sealed.slice(tag + 1)}`;
    assert.equal(await jwe.open(key, 'a/b', tampered), undefined);
  });
});
