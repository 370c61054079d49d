import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import * as z from 'zod';
import { receiptSchema } from '../../lib/core/verdict/receipt.ts';
import { temporaryFolder } from '../e2e/headgate.ts';
import { type InstalledPackage, installPackage } from '../e2e/installed-package.ts';
import { startEmulator } from './emulator.ts';

/**
 * What a user does with nothing but the package: a project of his own by `headgate init`, deployed from there to an emulator of AWS. Run it with
 * `npm run test:deploy`; it needs Python 3.
 */

const RECORDS = 250;
/** Serves the example's API by the package's own simulator, and says where, and by which secret. */
const SERVE = `import { simulate } from 'headgate/simulator';
const { default: example } = await import('./connectors/example.ts');
const { url, secret } = await simulate(example, { records: ${RECORDS} });
console.log(JSON.stringify({ url, secret }));
`;
const served = z.object({ url: z.url(), secret: z.record(z.string(), z.unknown()) });

describe('a project that headgate init made', () => {
  const undo: (() => unknown)[] = [];
  let user: InstalledPackage['user'];
  let api: z.output<typeof served>;
  before(async () => {
    const ending = { after: (fn: () => unknown) => void undo.unshift(fn) };
    const [folder, aws] = [await temporaryFolder(ending), await temporaryFolder(ending)];
    mkdirSync(join(aws, 'emulator'));
    const emulator = await startEmulator(join(aws, 'emulator'));
    ending.after(emulator.stop);
    ({ user } = await installPackage(folder, emulator.env));
    await user('npx', 'headgate', 'init');

    writeFileSync(join(folder, 'serve.ts'), SERVE);
    const server = spawn(process.execPath, ['serve.ts'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    ending.after(() => server.kill());
    for await (const line of createInterface(server.stdout)) {
      api = served.parse(JSON.parse(line));
      break;
    }
    writeFileSync(join(folder, 'secret.json'), JSON.stringify(api.secret));
  });
  after(async () => {
    for (const each of undo) await each();
  });

  it('is deployed by its own commands, and a second look finds no difference', async () => {
    await user('npx', 'cdk', 'bootstrap');
    assert.match(
      await user('npx', 'headgate', 'deploy', 'prod', '--require-approval', 'never'),
      /headgate-prod-example/,
    );
    assert.match(await user('npx', 'headgate', 'diff', 'prod'), /Number of stacks with differences: 0/);
  });

  it('gets everything, and says so', async () => {
    const stage = ['--stage', 'prod'];
    const given = ['--param', `url=${api.url}`, '--secrets', 'secret.json'];
    await user('npx', 'headgate', 'connections', 'add', 'example', 'main', ...given, ...stage);
    const told = await user('npx', 'headgate', 'sync', 'example', 'main', '--wait', '--json', ...stage);
    const receipt = receiptSchema.parse(JSON.parse(told));
    assert.deepEqual(
      [receipt.verdict, receipt.evidence, receipt.records.delivered, receipt.warnings],
      ['COMPLETE', 'count', RECORDS, []],
    );
    assert.match(await user('npx', 'headgate', 'status', ...stage), /^main +items +COMPLETE/m);
  });

  it('is taken down again', async () => {
    await user('npx', 'headgate', 'deploy', 'dev', '--require-approval', 'never');
    assert.match(await user('npx', 'headgate', 'destroy', 'dev', '--force'), /headgate-dev-state: destroyed/);
  });
});
