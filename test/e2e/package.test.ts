import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type InstalledPackage, installPackage } from './installed-package.ts';

describe('the package, installed in an empty folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-test-'));
  let tarball: string;
  let user: InstalledPackage['user'];
  after(() => rm(folder, { recursive: true, force: true }));
  before(async () => {
    ({ tarball, user } = await installPackage(folder));
  });

  it('holds less than a megabyte, and neither tests nor benches', async () => {
    assert.ok(statSync(tarball).size < 1_000_000, `${statSync(tarball).size} bytes`);
    const installed = readdirSync(join(folder, 'node_modules/headgate'));
    assert.deepEqual(installed.sort(), ['LICENSE', 'README.md', 'bin', 'dist', 'docs', 'lib', 'package.json']);
  });

  it('begins a project that runs, is tested and synthesizes, and that a second init leaves alone', async () => {
    await user('npx', 'headgate', 'init');
    assert.match(
      await user('npx', 'headgate', 'run', './connectors/example.ts'),
      /^items: COMPLETE by count \(full, simulated\)$/m,
    );
    assert.equal(await user('npx', 'tsc'), '');
    await user('npx', 'cdk', 'synth', '--quiet');
    const stacks = readdirSync(join(folder, 'cdk.out')).filter((name) => name.endsWith('.template.json'));
    assert.ok(stacks.includes('headgate-prod-example.template.json'), stacks.join(', '));

    const config = join(folder, 'headgate.config.ts');
    writeFileSync(config, `${readFileSync(config, 'utf8')}// mine\n`);
    const before = readFileSync(join(folder, 'package.json'), 'utf8');
    assert.match(await user('npx', 'headgate', 'init', '--no-install'), /headgate\.config\.ts: there already/);
    assert.match(readFileSync(config, 'utf8'), /\/\/ mine\n$/);
    assert.equal(readFileSync(join(folder, 'package.json'), 'utf8'), before);
  });

  it('runs the examples of the documentation', async () => {
    const examplesOf = (page: string): string[] =>
      [...readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(
        ([, code = '']) => code,
      );
    const [connector = ''] = examplesOf('first-connector.md');
    writeFileSync(join(folder, 'connectors/shop.ts'), connector);
    assert.equal(await user('npx', 'tsc'), '');
    const examples = examplesOf('install.md');
    assert.equal(examples.length, 3);
    const told: string[] = [];
    for (const [index, code] of examples.entries()) {
      writeFileSync(join(folder, `example-${index}.ts`), code);
      told.push(await user('node', `example-${index}.ts`));
    }
    const [, read = '', simulated = ''] = told;
    assert.ok(read.split('\n').length > 10_000, read.slice(0, 500));
    assert.match(simulated, /^http:\/\/127\.0\.0\.1:\d+ \{ token: /);
  });

  it('knows the type of every field of a connector', async () => {
    writeFileSync(
      join(folder, 'connectors/wrong.ts'),
      readFileSync(join(folder, 'connectors/example.ts'), 'utf8').replace('item.updated_at', 'item.updatedAt'),
    );
    await assert.rejects(user('npx', 'tsc'), ({ stdout }: { stdout: string }) =>
      /wrong\.ts.*Property 'updatedAt' does not exist/.test(stdout),
    );
  });

  it('passes its own test', async () => {
    assert.match(await user('node', '--test', 'test/example.test.ts'), /pass 1\n/);
  });
});
