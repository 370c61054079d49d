import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { NOWHERE } from './deployed.ts';
import { temporaryFolder } from './headgate.ts';

const COMMAND = join(import.meta.dirname, '../../bin/start.js');

const CONNECTOR = `
import { defineConnector, none, one } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'ours', docs: '', params: z.object({}), baseUrl: 'http://ours.test', auth: none(), limits: [],
  streams: (stream) => ({ things: stream({
    request: () => ({ path: '/things' }), paging: one(), records: (body) => body, schema: z.object({ id: z.int() }), key: 'id' }) }),
});
`;

/** Writes templates as \`npx cdk synth\` does, in a folder of a company's own. */
function synthesize(folder: string, config: string) {
  writeFileSync(join(folder, 'headgate.config.ts'), config);
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, 'app'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...NOWHERE, CDK_OUTDIR: join(folder, 'out') },
  });
  return { status, stderr };
}

it('a company lists connectors of its own, from anywhere on disk, and stages of its own; no account is needed', async (t) => {
  const folder = await temporaryFolder(t);
  mkdirSync(join(folder, 'apis'));
  writeFileSync(join(folder, 'apis/ours.ts'), CONNECTOR);
  const config = `
    import { defineConfig } from 'headgate/config';
    export default defineConfig({ connectors: ['./apis/ours.ts'], stages: { test: { schedules: false } } });`;
  assert.deepEqual(synthesize(folder, config), { status: 0, stderr: '' });
  const templates = readdirSync(join(folder, 'out')).filter((name) => name.endsWith('.template.json'));
  assert.deepEqual(
    templates.map((name) => name.replace('.template.json', '')),
    ['dev', 'prod', 'test'].flatMap((stage) =>
      ['dashboard', 'ours', 'state'].map((stack) => `headgate-${stage}-${stack}`),
    ),
  );
});

it('a configuration that cannot be used is one sentence', async (t) => {
  const folder = await temporaryFolder(t);
  assert.deepEqual(synthesize(folder, 'export default { connectors: ["./nowhere.ts"] };'), {
    status: 1,
    stderr: `There is no connector file "${join(folder, 'nowhere.ts')}".\n`,
  });
  const misspelt = synthesize(folder, 'export default { connectors: ["githb"] };');
  assert.match(misspelt.stderr, /^There is no connector "githb"\. There are: practice, github,/);
  const { status, stderr } = synthesize(
    folder,
    'export default { connectors: ["github"], stages: { prod: { alarm: 1 } } };',
  );
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^"headgate\.config\.ts" cannot be used: "stages\.prod": there is no such field as "alarm"; it is misspelt, or stands in the wrong place\.\n$/,
  );
});
