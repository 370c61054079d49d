import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { newFolder, startSmall } from './small-stack.ts';

const WORK = 'export const handler = async () => {};';
const SECRET = 'the-real-secret';

/** One call to each service, as an SDK sends it. */
const CALLS: readonly (readonly [
  service: string,
  method: string,
  path: string,
  target?: string | undefined,
  body?: object,
])[] = [
  ['dynamodb', 'POST', '/', 'DynamoDB_20120810.ListTables', {}],
  ['sqs', 'POST', '/', 'AmazonSQS.ReceiveMessage', {}],
  ['s3', 'GET', '/small-state-bucket/a/b'],
  ['secretsmanager', 'POST', '/', 'secretsmanager.PutSecretValue', { SecretId: 'api', SecretString: 'mine' }],
  ['events', 'POST', '/', 'AWSEvents.PutEvents', { Entries: [{}] }],
  ['monitoring', 'POST', '/', 'GraniteServiceVersion20100801.DescribeAlarms', {}],
  ['lambda', 'POST', '/2015-03-31/functions/small-api-Housekeeping/invocations'],
  ['cloudformation', 'POST', '/', undefined, {}],
];

const authorization = (key: string, service: string): string =>
  `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=x`;

/** The status of a request with these headers: `fetch` would set the host itself. */
const statusOf = (endpoint: string, options: object, body = ''): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(endpoint, options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end(body);
  });

describe('a stack of this machine answers its owner', () => {
  for (const [service, method, path, target, body] of CALLS)
    it(`${service}: no request without a key of the stack, and none by another name of this machine`, async (t) => {
      const { endpoint, credentials } = await startSmall(t, { work: WORK }, { secrets: { api: SECRET } });
      const send = (key: string | undefined, host = new URL(endpoint).host) => {
        const headers = {
          host,
          ...(key === undefined ? {} : { authorization: authorization(key, service) }),
          ...(target === undefined ? {} : { 'x-amz-target': target }),
        };
        return statusOf(endpoint, { method, path, headers }, body && JSON.stringify(body));
      };
      for (const key of [undefined, '', 'embedded', 'local', credentials.secretAccessKey])
        assert.equal(await send(key), 403, `key ${key}`);
      for (const host of ['evil.example', `localhost:${new URL(endpoint).port}`, '127.0.0.1', '127.0.0.1:1'])
        assert.equal(await send(credentials.accessKeyId, host), 403, `host ${host}`);
      assert.notEqual(await send(credentials.accessKeyId), 403);
    });
});

const isRoot = process.getuid?.() === 0;

describe('another user of this machine', { skip: isRoot ? false : 'only root can become another user' }, () => {
  /** The user and the group `nobody`. */
  const STRANGER = { uid: 65_534, gid: 65_534 };
  const run = promisify(execFile);

  it('finds the port, and neither state, nor secrets, nor keys', async (t) => {
    const state = newFolder();
    const stack = await startSmall(
      t,
      { work: WORK, housekeeping: `export const handler = () => process.pid;` },
      { state, secrets: { api: SECRET } },
    );
    const pid = Number(await stack.invoke('housekeeping', 'api', {}));
    const tries = `
      const { readFileSync, readdirSync } = require('node:fs');
      const attempt = (what) => { try { return String(what()).slice(0, 200) } catch (error) { return error.code } };
      const headers = { authorization: ${JSON.stringify(authorization('embedded', 'dynamodb'))}, 'x-amz-target': 'DynamoDB_20120810.ListTables' };
      fetch(${JSON.stringify(stack.endpoint)}, { method: 'POST', headers, body: '{}' }).then(({ status }) => console.log(JSON.stringify({
        user: process.getuid(), status,
        state: attempt(() => readdirSync(${JSON.stringify(state)})),
        secrets: attempt(() => readFileSync(${JSON.stringify(join(state, 'secrets.json'))})),
        environment: attempt(() => readFileSync('/proc/${pid}/environ')),
        command: attempt(() => readFileSync('/proc/${pid}/cmdline')),
      })));`;
    const { stdout } = await run(process.execPath, ['-e', tries], { ...STRANGER, cwd: '/', env: {} });
    const found = JSON.parse(stdout);
    assert.deepEqual([found.user, found.status], [STRANGER.uid, 403]);
    for (const place of ['state', 'secrets', 'environment']) assert.equal(found[place], 'EACCES', place);
    assert.ok(!stdout.includes(SECRET) && !stdout.includes(stack.credentials.accessKeyId));
  });

  it('is told by a sentence that a folder belongs to somebody else', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-shared-'));
    t.after(() => rmSync(folder, { recursive: true }));
    chmodSync(folder, 0o777);
    const module = new URL('../../lib/local/state-folder.ts', import.meta.url).href;
    const script = `import(${JSON.stringify(module)}).then(({ holdStateFolder }) => holdStateFolder(${JSON.stringify(folder)}))`;
    await assert.rejects(
      run(process.execPath, ['-e', script], { ...STRANGER, cwd: '/', env: {} }),
      (error: unknown) => {
        assert.match(
          String(Reflect.get(Object(error), 'stderr')),
          /belongs to another user, who can read it\. Use another folder\./,
        );
        return true;
      },
    );
  });
});

describe('folders of a stack', () => {
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it('a state folder is its owner’s, also where it was open before', async (t) => {
    for (const mode of [0o755, 0o777]) {
      const state = join(newFolder(), 'state');
      mkdirSync(state);
      chmodSync(state, mode);
      await startSmall(t, { work: WORK }, { state });
      assert.equal(modeOf(state), '700');
    }
  });
});
