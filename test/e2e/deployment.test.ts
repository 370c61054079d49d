import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { TASK_VERSION } from '../../lib/core/tasks.ts';
import { type Ending, temporaryFolder } from './headgate.ts';
import { startPractice } from './practice-stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const RECORDS = 3_000;
/** Parts of the sync's thirty that are stored when the code is another one: the first page tells of the others, and their tasks are sent then. */
const DEPLOYED = 1;
const ROLLED_BACK = 12;

/** The bundles of a release whose tasks are of the next version: this source with one line changed. */
async function nextRelease(t: Ending): Promise<string> {
  const source = await temporaryFolder(t);
  for (const folder of ['lib', 'functions']) cpSync(join(ROOT, folder), join(source, folder), { recursive: true });
  for (const file of ['package.json', 'node_modules']) symlinkSync(join(ROOT, file), join(source, file));
  const tasks = join(source, 'lib/core/tasks.ts');
  const [before, after] = [TASK_VERSION, TASK_VERSION + 1].map((version) => `const TASK_VERSION = ${version};`);
  const text = readFileSync(tasks, 'utf8');
  assert.ok(before && after && text.includes(before));
  writeFileSync(tasks, text.replace(before, after));
  const { bundleFunctions } = await import(pathToFileURL(join(source, 'lib/infra/bundle.ts')).href);
  const bundles = join(source, 'bundles');
  bundleFunctions(fileURLToPath(import.meta.resolve('#connector')), bundles);
  return bundles;
}

it('a deployment whose tasks are newer, in the middle of a sync, and its roll-back: nothing is lost, nothing counts twice', async (t) => {
  const newer = await nextRelease(t);
  let stored = 0;
  const sent = new Set<string>();
  const deploy = (bundles: string, kill: () => void): void => {
    cpSync(bundles, deployed(), { recursive: true });
    kill();
    // What was in work is with nobody now; what is of a version that nobody knows comes back until housekeeping has sent it anew.
    stack.housekeep();
  };
  const stack = await startPractice(t, RECORDS, ({ service, operation, body, kill }, moment) => {
    if (moment === 'before') return;
    if (operation === 'SendMessageBatch')
      for (const [, version = ''] of body.toString().matchAll(/\\"v\\":(\d+)/g)) sent.add(version);
    if (service !== 's3') return;
    stored += 1;
    if (stored === DEPLOYED) deploy(newer, kill);
    if (stored === ROLLED_BACK) deploy(older, kill);
  });
  const deployed = (): string => {
    const folder = readdirSync(stack.assembly).find((name) => name.startsWith('asset.') && !name.includes('.json'));
    return join(stack.assembly, folder ?? '');
  };
  const older = await temporaryFolder(t);
  cpSync(deployed(), older, { recursive: true });

  // It is as old as what is rolled back to, all the time.
  await stack.housekeep();

  const { receipt, records } = await stack.sync('orders');
  assert.equal(receipt.verdict, 'COMPLETE');
  assert.equal(receipt.records.delivered, RECORDS);
  assert.equal(new Set(records.map(({ id }) => id)).size, RECORDS);
  assert.ok(stored > ROLLED_BACK);
  assert.deepEqual([...sent].sort(), [String(TASK_VERSION), String(TASK_VERSION + 1)]);
});
