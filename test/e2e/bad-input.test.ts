import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { freePort, headgate, temporaryFolder } from './headgate.ts';

const CONNECTOR = (extra = '') => `
import { defineConnector, bearer, none, pages } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'shop', docs: '', params: z.object({ url: z.url(), shop: z.number() }), baseUrl: ({ params }) => params.url,
  auth: none(), limits: [], ${extra}
  streams: (stream) => ({ orders: stream({
    request: ({ page }) => ({ path: '/orders', query: { page: page.number } }), paging: pages({ size: 10 }),
    records: (body) => body, schema: z.object({ id: z.int() }), key: 'id' }) }),
});
`;

describe('bad input is one clear sentence, exit code 1, and nothing is started', () => {
  const cases: { what: string; file?: string; args: readonly string[]; says: RegExp }[] = [
    { what: 'no such connector', args: ['nowhere'], says: /^There is no connector "nowhere"\. There are: .*practice/ },
    { what: 'no such file', args: ['./nowhere.ts'], says: /^There is no connector file "\.\/nowhere\.ts"\.$/ },
    {
      what: 'a file that exports no connector',
      file: 'export const x = 1;',
      args: [],
      says: /exports no connector.*export default defineConnector/,
    },
    {
      what: 'a file with a syntax error',
      file: 'export default {',
      args: [],
      says: /cannot be loaded: line 1: SyntaxError/,
    },
    {
      what: 'a connector that cannot work',
      file: CONNECTOR("limits: [{ requests: 1, per: 'second' }],"),
      args: [],
      says: /limits: "0.per": must be a duration from "1 second" to "31 days"/,
    },
    {
      what: 'a missing parameter',
      file: CONNECTOR(),
      args: ['--param', 'url=http://127.0.0.1:1'],
      says: /^The connector "shop" needs --param shop=…\.$/,
    },
    {
      what: 'a mistyped parameter',
      file: CONNECTOR(),
      args: ['--param', 'url=here', '--param', 'shop=1'],
      says: /^--param url=here does not fit: /,
    },
    {
      what: 'a parameter of the wrong type',
      file: CONNECTOR(),
      args: ['--param', 'url=http://a.test', '--param', 'shop=one'],
      says: /^--param shop=one does not fit: /,
    },
    {
      what: 'a parameter it does not have',
      file: CONNECTOR(),
      args: ['--param', 'ulr=x'],
      says: /has no parameter "ulr"\. It has: url, shop\.$/,
    },
    {
      what: 'a parameter that is none',
      file: CONNECTOR(),
      args: ['--param', 'url'],
      says: /^--param "url" is not of the form name=value\.$/,
    },
    {
      what: 'a parameter that is too long to be kept',
      file: CONNECTOR(),
      args: ['--param', `url=http://a.test/${'x'.repeat(70_000)}`, '--param', 'shop=1'],
      says: /^The parameters must have at most 65536 bytes as JSON \(got 700\d\d\): give a shorter --param\.$/,
    },
    {
      what: 'a stream it does not have',
      args: ['practice', '--stream', 'oders'],
      says: /has no stream "oders"\. It has: orders, customers/,
    },
    {
      what: 'no secret',
      args: ['github', '--param', 'org=o', '--param', 'repo=r'],
      says: /^The connector "github" needs a secret\. Give --secrets file\.json, or set HEADGATE_SECRET to JSON with: token\.$/,
    },
    {
      what: 'a secrets file that is not there',
      args: ['github', '--param', 'org=o', '--param', 'repo=r', '--secrets', 'none.json'],
      says: /^The secrets file "none\.json" cannot be read\.$/,
    },
    {
      what: 'a folder for results that is a file',
      args: ['practice', '--out', import.meta.filename],
      says: /^A file stands where a folder must be: ".*bad-input\.test\.ts"\. Give another path\.$/,
    },
    {
      what: 'a report in a folder that is not there',
      args: ['practice', '--report', 'nowhere/report.html'],
      says: /^The folder of "nowhere\/report\.html" is not there\. Make it, or give another path\.$/,
    },
  ];
  for (const { what, file, args, says } of cases) {
    it(what, async (t: TestContext) => {
      const folder = await temporaryFolder(t);
      if (file !== undefined) writeFileSync(join(folder, 'connector.ts'), file);
      const given = file === undefined ? args : [join(folder, 'connector.ts'), ...args];
      const before = readdirSync(folder);
      const { code, stdout, stderr } = await headgate(['run', ...given], { cwd: folder });
      assert.equal(code, 1, stderr);
      assert.equal(stdout, '');
      assert.match(stderr.trim(), says);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
      assert.deepEqual(readdirSync(folder), before);
    });
  }

  it('a stage that is not there', async (t) => {
    const { code, stderr } = await headgate(['deploy', 'live'], { cwd: await temporaryFolder(t) });
    assert.equal(code, 1);
    assert.match(stderr, /^The stage must be one of dev, prod \(got "live"\)\. Name it in headgate\.config\.ts\.\n$/);
  });

  it('a deployment without the command line of the CDK', async (t) => {
    const { code, stderr } = await headgate(['diff', 'prod'], { cwd: await temporaryFolder(t) });
    assert.equal(code, 1);
    assert.match(stderr, /^The CDK's command line must be installed here\. Type: npm install -D aws-cdk@2\n$/);
  });

  it('a secret that does not fit is not quoted', async (t) => {
    const folder = await temporaryFolder(t);
    const args = ['run', 'github', '--param', 'org=o', '--param', 'repo=r'];
    const { code, stderr } = await headgate(args, { env: { HEADGATE_SECRET: '{"tokn":"hush"}' }, cwd: folder });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^The secret of "github" cannot be used: it lacks, or mistypes: token\. It must be JSON like \{"token":"…"\}\.\n$/,
    );
  });
});

it('an API that cannot be reached is no bad input: INCOMPLETE, and the receipt says why', async (t) => {
  const folder = await temporaryFolder(t);
  const out = join(folder, 'out');
  writeFileSync(join(folder, 'connector.ts'), CONNECTOR());
  const args = [
    'run',
    join(folder, 'connector.ts'),
    '--param',
    `url=http://127.0.0.1:${await freePort()}`,
    '--param',
    'shop=1',
  ];
  const { code, receipts } = await headgate([...args, '--json', '--out', out]);
  assert.equal(code, 2);
  const [receipt] = receipts;
  assert.ok(receipt);
  assert.equal(receipt.verdict, 'INCOMPLETE');
  assert.equal(receipt.reasons[0]?.code, 'unreachable');
  assert.match(receipt.reasons[0].message, /127\.0\.0\.1/);
  assert.deepEqual(receipt.reasons[0].pages, [1]);
  assert.equal(receipt.records.delivered, 0);
  assert.ok(existsSync(join(out, receipt.manifest)));
});
