import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openConnector } from '../../bin/cli/deployed-connector.ts';
import { awsOf } from '../../bin/cli/embedded-stack.ts';
import { loadConnector } from '../../bin/cli/load-connector.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { until } from '../local/until.ts';
import { deploy } from './deployed.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The consumer, as it stands in the page for readers. */
function consumer(): string {
  const [, code] = /^```js\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, 'docs/reading.md'), 'utf8')) ?? [];
  assert.ok(code);
  return code;
}

it('the consumer of docs/reading.md is at most 15 lines, and reads every record of a closed sync', async (t) => {
  const code = consumer();
  assert.ok(code.split('\n').filter((line) => line !== '').length <= 15);
  const practice = await loadConnector('practice');
  const api = await simulate(practice.connector, { records: 1_050 });
  t.after(() => api.stop());
  const events: unknown[] = [];
  const stack = await deploy(t, [practice], { onEvent: ({ detail }) => events.push(detail) });
  const connector = await openConnector(awsOf(stack), 'prod', practice.connector);
  const params = JSON.stringify({ url: api.url });
  await connector.connections.create({ pk: 'practice', sk: 'main' }, { params, status: 'active' });
  const at = new Date().toISOString();
  await connector.queue.send([
    { task: { v: 1, kind: 'start', connection: 'main', stream: 'orders', at }, group: 'main' },
  ]);
  await until(() => events.length > 0, 30);

  const script = `${code}
let ids = [];
for await (const record of records(${JSON.stringify(connector.settings.BUCKET)}, ${JSON.stringify(events[0])})) ids.push(record.id);
console.log(ids.length, new Set(ids).size);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    env: { ...process.env, ...stack.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await new Promise((resolve) => child.on('close', resolve));
  assert.equal(output, '1050 1050\n');
});
