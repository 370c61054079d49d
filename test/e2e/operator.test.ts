import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectors } from '../../lib/connectors/index.ts';
import { type Deployed, deploy, NOWHERE } from './deployed.ts';
import { headgate, temporaryFolder } from './headgate.ts';

const [practice, github] = [connectors.practice, connectors.github];
assert.ok(practice && github);
const PROD = ['--stage', 'prod'];

describe('commands on a deployed stack', () => {
  let stack: Deployed;
  const cleanUp: (() => unknown)[] = [];
  before(async () => {
    stack = await deploy({ after: (undo) => void cleanUp.unshift(undo) }, [practice, github]);
  });
  after(async () => {
    for (const undo of cleanUp) await undo();
  });
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await headgate(args, { env: stack.env });
    return { code, stdout, stderr };
  };
  const done = { code: 0, stdout: '', stderr: '' };
  const list = async (...args: string[]): Promise<unknown[]> => {
    const { stdout } = await run('connections', 'list', ...args, ...PROD, '--json');
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
  };

  it('connections are added, changed, paused, resumed and removed', async () => {
    assert.deepEqual(
      await run('connections', 'add', 'practice', 'acme', '--param', 'url=http://a.test', ...PROD),
      done,
    );
    const acme = { connector: 'practice', connection: 'acme', status: 'active', reason: null };
    assert.deepEqual(await list(), [{ ...acme, params: { url: 'http://a.test' } }]);
    assert.deepEqual(
      await run('connections', 'set', 'practice', 'acme', '--param', 'url=http://b.test', ...PROD),
      done,
    );
    assert.deepEqual(await run('pause', 'practice', 'acme', '--reason', 'moving house', ...PROD), done);
    assert.deepEqual(await list('practice'), [
      { ...acme, status: 'paused', reason: 'moving house', params: { url: 'http://b.test' } },
    ]);
    assert.deepEqual(await list('github'), []);
    assert.match(
      (await run('connections', 'list', ...PROD)).stdout,
      /^CONNECTOR {2}CONNECTION {2}STATUS +PARAMETERS\npractice {3}acme {8}paused: moving house {2}\{"url":"http:\/\/b\.test"\}\n$/,
    );
    assert.deepEqual(await run('resume', 'practice', 'acme', ...PROD), done);
    assert.deepEqual(await list(), [{ ...acme, params: { url: 'http://b.test' } }]);
    assert.deepEqual(await run('connections', 'remove', 'practice', 'acme', ...PROD), done);
    assert.equal((await run('connections', 'list', ...PROD)).stdout, 'There are no connections.\n');
  });

  const wrong: { what: string; args: string[]; says: RegExp }[] = [
    {
      what: 'no such connector',
      args: ['pause', 'nowhere', 'main'],
      says: /^There is no connector "nowhere"\. There are: /,
    },
    {
      what: 'no such connection',
      args: ['pause', 'practice', 'nobody'],
      says: /^"practice" has no connection "nobody"/,
    },
    {
      what: 'a connection that cannot be named so',
      args: ['connections', 'add', 'practice', 'a/b', '--param', 'url=http://a.test'],
      says: /^"a\/b" cannot name a connection: /,
    },
    {
      what: 'a parameter that is missing',
      args: ['connections', 'add', 'practice', 'acme'],
      says: /^The connector "practice" needs --param url=…\.$/,
    },
  ];
  for (const { what, args, says } of wrong) {
    it(`${what}: one sentence, exit code 1`, async () => {
      const { code, stdout, stderr } = await run(...args, ...PROD);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr.trim(), says);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });
  }

  it('a stage that is not deployed, or that there is none of: one sentence', async () => {
    const none = await run('pause', 'practice', 'main', '--stage', 'test');
    assert.equal(none.code, 1);
    assert.match(
      none.stderr,
      /^There is no stage "test"\. There are: dev, prod; headgate\.config\.ts may add others\.\n$/,
    );
    const { code, stderr } = await run('pause', 'practice', 'main', '--stage', 'dev');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^There is no stack "headgate-dev-practice" in this account and region\. Deploy it with: .*\n$/,
    );
  });
});

describe('without a way to a stack', () => {
  const cases: { what: string; args: string[]; env?: Record<string, string>; says: RegExp }[] = [
    { what: 'none is named', args: [], says: /^Say which stack is meant: --stage <name> .* or --state <folder> / },
    { what: 'two are named', args: [...PROD, '--state', 'x'], says: /^Say which stack is meant: / },
    {
      what: 'a folder that is none',
      args: ['--state', 'nowhere'],
      says: /is no state folder\. Make it with: headgate run /,
    },
    { what: 'no region', args: PROD, says: /^There is no AWS region\. Set AWS_REGION/ },
    {
      what: 'no credentials',
      args: PROD,
      env: { AWS_REGION: 'eu-central-1' },
      says: /^There are no AWS credentials\./,
    },
  ];
  for (const { what, args, env = {}, says } of cases) {
    it(`${what}: one sentence, exit code 1`, async (t) => {
      const cwd = await temporaryFolder(t);
      const { code, stdout, stderr } = await headgate(['connections', 'list', ...args], {
        env: { ...NOWHERE, ...env },
        cwd,
      });
      assert.deepEqual([code, stdout], [1, ''], stderr);
      assert.match(stderr.trim(), says);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });
  }
});

it('commands work on a stack of this machine, which remembers what it serves', async (t) => {
  const state = join(await temporaryFolder(t), 'state');
  const ran = await headgate(['run', 'practice', '--stream', 'events', '--state', state, '--out', join(state, 'out')]);
  assert.equal(ran.code, 0, ran.stderr);
  const { code, stdout } = await headgate(['connections', 'list', '--state', state]);
  assert.equal(code, 0);
  assert.match(stdout, /^CONNECTOR .*\npractice +main +active +\{"url":"http:\/\/127\.0\.0\.1:\d+"\}\n$/);
});
