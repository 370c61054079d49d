import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { keptAssembly } from '../../lib/local/assembly-cache.ts';
import { until } from './until.ts';

/** A cache, a source file, and a builder that copies the file and counts how often it does. */
function world(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [cache, source] = [join(folder, 'cache'), join(folder, 'source')];
  const write = async (text: string) => {
    writeFileSync(source, text);
    // The clock of the file system has moved on, so the file is older than what is built from now on.
    const now = Date.now();
    await until(() => Date.now() > now + 20, 5);
  };
  let built = 0;
  const build = async (outdir: string, meanwhile = () => {}) => {
    built += 1;
    mkdirSync(outdir, { recursive: true });
    writeFileSync(join(outdir, 'made'), readFileSync(source));
    meanwhile();
    return [source];
  };
  const kept = async (of: unknown = 1, meanwhile?: () => void) => {
    const assembly = await keptAssembly(cache, { of, build: (outdir) => build(outdir, meanwhile) });
    return readFileSync(join(assembly, 'made'), 'utf8');
  };
  return { cache, source, write, kept, built: () => built };
}

test('an assembly of the same files is made once', async (t) => {
  const { write, kept, built } = world(t);
  await write('one');
  assert.deepEqual([await kept(), await kept(), built()], ['one', 'one', 1]);
  await kept(2);
  assert.equal(built(), 2);
});

test('it is made again once a file changed, even to the same length', async (t) => {
  const { write, kept } = world(t);
  await write('one');
  await kept();
  await write('two');
  assert.equal(await kept(), 'two');
});

test('it is made again once a file was put back as old as before', async (t) => {
  const { source, write, kept } = world(t);
  await write('one');
  utimesSync(source, 1, 1);
  await kept();
  await write('two');
  utimesSync(source, 1, 1);
  assert.equal(await kept(), 'two');
});

test('one whose file changed while it was made is not used again', async (t) => {
  const { source, write, kept } = world(t);
  await write('one');
  assert.equal(await kept(1, () => writeFileSync(source, 'two')), 'one');
  assert.equal(await kept(), 'two');
});

test('one whose making failed leaves nothing that is used', async (t) => {
  const { write, kept } = world(t);
  await write('one');
  const failing = () => {
    throw new Error('no');
  };
  await assert.rejects(kept(1, failing), /no/);
  assert.equal(await kept(), 'one');
});

test('of many, those that were not used for an hour are forgotten', async (t) => {
  const { cache, write, kept } = world(t);
  await write('one');
  await kept('old');
  const [old = ''] = readdirSync(cache);
  utimesSync(join(cache, old), new Date(0), new Date(0));
  for (let index = 0; index < 21; index++) await kept(index);
  assert.equal(existsSync(join(cache, old)), false);
  assert.equal(readdirSync(cache).length, 21);
});
