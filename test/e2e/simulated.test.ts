import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { headgate, temporaryFolder } from './headgate.ts';

it('what the simulator answered is called so: on the screen, and in the receipt', async (t) => {
  const folder = await temporaryFolder(t);
  await headgate(['new', './ours.ts'], { cwd: folder });
  const run = ['run', './ours.ts', '--out', join(folder, 'out')];
  const { receipts, stderr } = await headgate([...run, '--json', '--log'], { cwd: folder });
  assert.deepEqual(receipts[0]?.warnings, [
    {
      code: 'simulated',
      message: 'the simulator answered in the place of api.shop.example: no record is of a real API',
    },
  ]);
  const logged: { message: string }[] = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(logged.some(({ message }) => message === 'pages fetched'));
  const shown = await headgate(run, { cwd: folder });
  assert.match(shown.stderr, /; the simulator answers in the place of api\.shop\.example$/m);
  assert.match(
    shown.stdout,
    /^items: COMPLETE by count \(full, simulated\)\n {2}rests on the API's total of 10,050, and /,
  );
});
