import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { type LoadedConnector, loadConnector } from '../../bin/cli/load-connector.ts';
import { receiptSchema } from '../../lib/core/verdict/receipt.ts';
import { stages } from '../../lib/infra/stage.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { type Deployed, deploy } from './deployed.ts';
import { headgate, temporaryFolder } from './headgate.ts';
import shop from './shop.ts';
import { type ShopApi, shopApi } from './shop-api.ts';

const PROD = ['--stage', 'prod'];
const lines = (text: string): unknown[] => text.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));

describe('what an operator types, on a deployed stack', () => {
  let stack: Deployed;
  let api: ShopApi;
  let folder: string;
  const cleanUp: (() => unknown)[] = [];
  before(async () => {
    const ending = { after: (undo: () => unknown) => void cleanUp.unshift(undo) };
    folder = await temporaryFolder(ending);
    api = await shopApi(ending);
    const loaded: LoadedConnector = { connector: shop, file: fileURLToPath(import.meta.resolve('./shop.ts')) };
    const config = join(folder, 'headgate.config.ts');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(config, `export default { connectors: [${JSON.stringify(loaded.file)}] };`);
    writeFileSync(join(folder, 'secret.json'), '{"token":"good"}');
    const deployed = await deploy(ending, [loaded], { stage: { ...stages.prod, attempts: 2 } });
    stack = { ...deployed, env: { ...deployed.env, HEADGATE_CONFIG: config } };
  });
  after(async () => {
    for (const undo of cleanUp) await undo();
  });
  const run = (...args: string[]) => headgate([...args, ...PROD], { env: stack.env, cwd: folder });

  it('from an empty stack to a COMPLETE sync, and back to a look at it', async () => {
    const empty = await run('doctor', 'shop');
    assert.equal(empty.code, 2);
    assert.match(empty.stdout, /^ok {5}shop: deployed, and its worker takes tasks$/m);
    assert.match(
      empty.stdout,
      /^WRONG {2}shop: it has no connections\n {7}→ npx headgate connections add shop main --stage prod/m,
    );

    const secret = ['--secrets', 'secret.json'];
    const added = await run('connections', 'add', 'shop', 'main', '--param', `url=${api.url}`, ...secret);
    assert.deepEqual([added.code, added.stderr], [0, '']);
    const none = await run('status', 'shop');
    assert.match(
      none.stdout,
      /^shop: 1 stream · 0 to look at · 0 paused · tasks: 0 ready, 0 in work, 0 later · failures waiting: 0\n/,
    );
    assert.match(none.stdout, /^main +orders +none yet +never +idle$/m);

    const synced = await run('sync', 'shop', 'main', '--wait', '--json');
    assert.equal(synced.code, 0, synced.stderr);
    const [receipt] = lines(synced.stdout).map((line) => receiptSchema.parse(line));
    assert.deepEqual([receipt?.verdict, receipt?.records.delivered], ['COMPLETE', 45]);

    const [row, ...others] = lines((await run('status', 'shop', '--json')).stdout);
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(row, {
      ...{ connector: 'shop', connection: 'main', stream: 'orders', status: 'active', verdict: 'COMPLETE', why: null },
      ...{ sync: receipt?.sync, running: null, waitsUntil: null },
    });
  });

  it('--full asks for everything, --from for what changed since a date', async () => {
    const mode = async (...args: string[]) => {
      const { stdout, stderr } = await run('sync', 'shop', 'main', '--wait', '--json', ...args);
      const [receipt] = lines(stdout).map((line) => receiptSchema.parse(line));
      assert.ok(receipt, stderr);
      return [receipt.mode, api.since.at(-1)];
    };
    assert.deepEqual(await mode(), ['incremental', '2026-10-31T23:55:00.044Z']);
    assert.deepEqual(await mode('--full'), ['full', '1970-01-02T00:00:00.000Z']);
    assert.deepEqual(await mode('--from', '2026-06-01'), ['incremental', '2026-05-31T23:55:00.000Z']);
    assert.deepEqual(await mode(), ['incremental', '2026-10-31T23:55:00.044Z'], 'once asked is not asked for ever');
  });

  it('nobody waits for a connection that is paused', async () => {
    api.mood = 'throttles';
    const waiting = run('sync', 'shop', 'main', '--wait');
    await run('pause', 'shop', 'main', '--reason', 'moving house');
    const { code, stdout, stderr } = await waiting;
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /^The connection "main" is paused: moving house\. Let it go on first: headgate resume shop main$/m,
    );
    api.mood = 'well';
    await run('resume', 'shop', 'main');
    await run('housekeep', 'shop', '--idle', '0');
    assert.equal((await run('sync', 'shop', 'main', '--wait')).code, 0);
  });

  it('alarms are told, those that have gone off and all', async () => {
    await run('housekeep', 'shop');
    assert.match((await run('alarms')).stdout, /^None of \d+ alarms has gone off\.\n$/);
    const all = lines((await run('alarms', '--all', '--json')).stdout);
    const row = z.object({ alarm: z.string(), state: z.enum(['OK', 'ALARM']), says: z.string(), reason: z.string() });
    assert.equal(all.map((each) => row.parse(each)).length, 12);
  });

  const wrong: { what: string; args: string[]; says: RegExp }[] = [
    {
      what: 'a date that is none',
      args: ['sync', 'shop', 'main', '--from', 'today'],
      says: /^--from today is no date\./,
    },
    {
      what: 'two wishes at once',
      args: ['sync', 'shop', 'main', '--full', '--from', '2026-01-01'],
      says: /give one of them\.$/,
    },
    { what: 'a stream it does not have', args: ['sync', 'shop', 'main', '--stream', 'x'], says: /has no stream "x"/ },
    {
      what: 'a look at a connection that it does not have',
      args: ['status', 'shop', 'mian'],
      says: /no connection "mian"/,
    },
    {
      what: 'failures of a stream that there is none of',
      args: ['failures', 'list', '--stream', 'ordres'],
      says: /^There is no stream "ordres"\. See: npx headgate status --stage prod$/,
    },
    {
      what: 'failures of a sync that there is none of',
      args: ['failures', 'retry', 'shop', '--connection', 'main', '--sync', '2026'],
      says: /^There is no sync "2026" of the connection "main"\./,
    },
    {
      what: 'to accept what lacks nothing',
      args: ['accept', 'shop', 'orders', '--reason', 'why not'],
      says: /^Nothing is accepted: the sync \S+ is COMPLETE and lacks nothing\.$/,
    },
    {
      what: 'a time that is none',
      args: ['housekeep', 'shop', '--idle', 'soon'],
      says: /^--idle soon is no whole number/,
    },
  ];
  for (const { what, args, says } of wrong) {
    it(`${what}: one sentence, exit code 1`, async () => {
      const { code, stdout, stderr } = await run(...args);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr.trim(), says);
    });
  }
});

describe('headgate new', () => {
  it('writes a connector that runs', async (t) => {
    const folder = await temporaryFolder(t);
    const made = await headgate(['new', './ours.ts'], { cwd: folder });
    assert.deepEqual([made.code, made.stderr], [0, '']);
    const { connector } = await loadConnector(join(folder, 'ours.ts'));
    assert.equal(connector.name, 'ours');
    const api = await simulate(connector, { records: 250 });
    t.after(() => api.stop());
    const { code, receipts, stderr } = await headgate(
      ['run', './ours.ts', '--param', `url=${api.url}`, '--json', '--out', join(folder, 'out')],
      { cwd: folder, env: { HEADGATE_SECRET: JSON.stringify(api.secret) } },
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      receipts.map(({ verdict, records }) => [verdict, records.delivered]),
      [['COMPLETE', 250]],
    );
  });

  it('overwrites nothing, and refuses a name that is none', async (t) => {
    const folder = await temporaryFolder(t);
    await headgate(['new', 'ours.ts'], { cwd: folder });
    const before = readFileSync(join(folder, 'ours.ts'), 'utf8');
    const again = await headgate(['new', 'ours.ts'], { cwd: folder });
    assert.deepEqual([again.code, again.stderr], [1, '"ours.ts" is there already. Give another name.\n']);
    assert.equal(readFileSync(join(folder, 'ours.ts'), 'utf8'), before);
    const bad = await headgate(['new', 'Our Shop.ts'], { cwd: folder });
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /^"Our Shop" cannot name a connector: /);
    assert.equal(existsSync(join(folder, 'Our Shop.ts')), false);
  });
});

it('every command tells how it is used', async () => {
  const { code, stdout } = await headgate(['--help']);
  assert.equal(code, 0);
  const names = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name);
  for (const name of [
    'run',
    'new',
    'rehearse',
    'connections',
    'sync',
    'status',
    'pause',
    'resume',
    'alarms',
    'doctor',
    'housekeep',
  ])
    assert.ok(names.includes(name), `${name} in: ${names.join(' ')}`);
  const helps = names.filter((name) => name !== 'help').map((name) => headgate([name, '--help']));
  for (const help of await Promise.all(helps)) {
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage: headgate [a-z]+ .*\n\n\S[\s\S]*?\.\n/);
  }
});
