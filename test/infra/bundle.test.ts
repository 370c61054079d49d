import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { none } from '../../lib/core/connector/connector.ts';
import type { LoadEnvironmentVariables } from '../../lib/core/load-environment.ts';
import { bundleFunctions, functionsOf } from '../../lib/infra/bundle.ts';
import erp from './erp.ts';
import { temporaryFolder } from './example.ts';
import { settings } from './function-settings.ts';

/** A connector in a folder of its own, where nothing is installed. */
function connectorFile(source: string): string {
  const file = join(temporaryFolder(), 'connector.ts');
  writeFileSync(file, source);
  return file;
}

const OUTSIDE = `
import { defineConnector, none, one } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'outside', docs: 'https://outside.example', params: z.object({}), auth: none(), limits: [],
  baseUrl: 'https://outside.example/built-in',
  streams: (stream) => ({ orders: stream({
    request: () => ({ path: '/orders' }), paging: one(), records: (body) => body, schema: z.object({ id: z.number() }), key: 'id',
  }) }),
});`;

/** What kind of thing the handler of a bundle is, once a Node of its own has loaded it as Lambda does. */
function handlerOf(file: string, variables: Readonly<Record<string, string>> = settings): string {
  const script = `console.log(typeof (await import(${JSON.stringify(pathToFileURL(file))})).handler)`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...variables, AWS_REGION: 'eu-central-1' },
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`.trim();
}

test('a bundle has the parsers of the readers that its connector imports, and of no others', () => {
  const plain = temporaryFolder();
  bundleFunctions(connectorFile(OUTSIDE), plain, ['work']);
  const reading = temporaryFolder();
  const source = OUTSIDE.replace('import * as z', "import { csv } from 'headgate/readers';\nimport * as z").replace(
    'records: (body) => body,',
    "read: csv({ columns: ['id'] }), records: (body) => body,",
  );
  bundleFunctions(connectorFile(source), reading, ['work']);
  const holds = (folder: string, text: string): boolean =>
    readFileSync(join(folder, 'work.mjs'), 'utf8').includes(text);
  const [ofCsv, ofXml] = ['CSV_INVALID_CLOSING_QUOTE', 'stopNodes'];
  assert.deepEqual([holds(plain, ofCsv), holds(plain, ofXml)], [false, false]);
  assert.deepEqual([holds(reading, ofCsv), holds(reading, ofXml)], [true, false]);
});

test('a connector whose file lies elsewhere is built into bundles that run by themselves', () => {
  const folder = temporaryFolder();
  bundleFunctions(connectorFile(OUTSIDE), folder);
  assert.deepEqual(readdirSync(folder).sort(), ['housekeeping.mjs', 'work.mjs']);
  for (const name of ['housekeeping.mjs', 'work.mjs']) {
    const file = join(folder, name);
    assert.match(readFileSync(file, 'utf8'), /https:\/\/outside\.example\/built-in/);
    assert.equal(handlerOf(file), 'function');
    assert.ok(statSync(file).size < 1_000_000, `${name} has ${statSync(file).size} bytes`);
  }
});

test('a function for tables is bundled where some stage loads them, with the driver of the database', () => {
  const folder = temporaryFolder();
  const connector = { ...erp, auth: none() };
  assert.deepEqual(functionsOf(connector, [{}]), ['work', 'housekeeping']);
  const functions = functionsOf(connector, [{}, { load: {} }]);
  bundleFunctions(connectorFile(OUTSIDE), folder, functions);
  assert.deepEqual(readdirSync(folder).sort(), ['housekeeping.mjs', 'load.mjs', 'work.mjs']);
  const variables: LoadEnvironmentVariables = {
    CONNECTOR: 'outside',
    BUCKET: 'bucket',
    LOAD_QUEUE_URL: 'https://sqs.invalid/loads',
    DATABASE_SECRET: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:database',
    LOAD_ACCEPT: '',
    LOAD_DELETED: 'remove',
  };
  assert.equal(handlerOf(join(folder, 'load.mjs'), variables), 'function');
});

test('bundling again leaves nothing of the time before, and gives the same bytes', () => {
  const [file, folder] = [connectorFile(OUTSIDE), temporaryFolder()];
  const hash = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  const bytes = () => Object.fromEntries(readdirSync(folder).map((name) => [name, hash(name)]));
  bundleFunctions(file, folder);
  const first = bytes();
  writeFileSync(join(folder, 'left-over.mjs'), '');
  bundleFunctions(file, folder);
  assert.deepEqual(bytes(), first);
});

test('a connector that imports what is not there is refused with the name of it', () => {
  const file = connectorFile(`import 'no-such-package';\n${OUTSIDE}`);
  assert.throws(() => bundleFunctions(file, temporaryFolder()), /Could not resolve "no-such-package"/);
});
