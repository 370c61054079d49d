import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isKey, openObjectFolder } from '../../lib/local/object-folder.ts';
import { newFolder } from './small-stack.ts';

/** Bytes; large enough that a kill falls into a write. */
const SIZE = 8_000_000;
const bytes = (text: string) => Buffer.from(text);

describe('openObjectFolder', () => {
  it('keeps each object as the file of its key', () => {
    const path = join(newFolder(), 'objects');
    const folder = openObjectFolder(path);
    assert.equal(folder.create('a/b/c.json', bytes('1')), true);
    assert.ok(existsSync(join(path, 'a', 'b', 'c.json')));
    assert.deepEqual(openObjectFolder(path).get('a/b/c.json'), bytes('1'));
  });

  it('creates an object once', () => {
    const folder = openObjectFolder(join(newFolder(), 'objects'));
    assert.equal(folder.create('deep/key', bytes('first')), true);
    assert.equal(folder.create('deep/key', bytes('second')), false);
    assert.deepEqual(folder.get('deep/key'), bytes('first'));
  });

  it('leaves nothing beside its objects', () => {
    const path = join(newFolder(), 'objects');
    const folder = openObjectFolder(path);
    folder.create('a', bytes('1'));
    folder.create('a', bytes('2'));
    folder.put('a', bytes('3'));
    assert.deepEqual(readdirSync(`${path}.incoming`), []);
  });

  it('puts over an object, and removes it', () => {
    const folder = openObjectFolder(join(newFolder(), 'objects'));
    folder.put('k', bytes('old'));
    folder.put('k', bytes('new'));
    assert.deepEqual(folder.get('k'), bytes('new'));
    folder.remove('k');
    assert.equal(folder.get('k'), undefined);
    folder.remove('k');
  });

  it('shows nothing of what a killed process had half written', () => {
    const path = join(newFolder(), 'objects');
    mkdirSync(`${path}.incoming`);
    writeFileSync(join(`${path}.incoming`, 'half'), 'written');
    const folder = openObjectFolder(path);
    assert.deepEqual(folder.list(''), []);
    assert.equal(existsSync(join(`${path}.incoming`, 'half')), false);
  });

  it('shows whole objects only, whenever its process is killed', async () => {
    const path = join(newFolder(), 'objects');
    const module = JSON.stringify(import.meta.resolve('../../lib/local/object-folder.ts'));
    const script = `
      const { openObjectFolder } = await import(${module});
      const folder = openObjectFolder(${JSON.stringify(path)});
      for (let i = 0; ; i += 1) {
        folder.put('same', Buffer.alloc(${SIZE}, i));
        folder.create('new/' + i, Buffer.alloc(${SIZE}, i));
        if (i === 3) process.stdout.write('under way');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const objects = openObjectFolder(path).list('');
    assert.ok(objects.length > 4);
    assert.deepEqual(
      objects.filter(({ size }) => size !== SIZE),
      [],
    );
  });

  it('lists by prefix, in the order of UTF-8 bytes', () => {
    const folder = openObjectFolder(join(newFolder(), 'objects'));
    const keys = ['a/b', 'a/c/d', 'a/c.e', 'ab', 'a/é', 'a/\u{1F600}', 'a/\uFF5E', 'z'];
    for (const key of keys) folder.put(key, bytes('xyz'));
    const list = (prefix: string) => folder.list(prefix).map(({ key }) => key);
    assert.deepEqual(list('a/c'), ['a/c.e', 'a/c/d']);
    assert.deepEqual(list('a'), ['a/b', 'a/c.e', 'a/c/d', 'a/é', 'a/\uFF5E', 'a/\u{1F600}', 'ab']);
    assert.deepEqual(list('nothing/here'), []);
    assert.deepEqual(list('../'), []);
    assert.equal(folder.list('z')[0]?.size, 3);
  });
});

describe('isKey', () => {
  for (const key of ['a', 'a/b.ndjson.gz', 'with space', 'a..b/..c', 'ü/ö', 'x'.repeat(255)]) {
    it(`takes ${JSON.stringify(key.slice(0, 20))}`, () => assert.ok(isKey(key)));
  }
  for (const key of ['', '/', '/a', 'a/', 'a//b', '..', '../a', 'a/../../b', './a', 'a/.', 'a\0b', 'x'.repeat(256)]) {
    it(`refuses ${JSON.stringify(key.slice(0, 20))}`, () => assert.equal(isKey(key), false));
  }
});
