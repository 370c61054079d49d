import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type OperatedConnector, openConnector } from '../../bin/cli/deployed-connector.ts';
import { HOUR } from '../../lib/core/time.ts';
import { type Stage, stages } from '../../lib/infra/stage.ts';
import { type Alarm, breaches, valueAt } from '../../lib/local/alarms.ts';
import { REGION } from '../../lib/local/names.ts';
import { forSync } from '../../lib/pipeline/invocation.ts';
import { streamKey } from '../../lib/pipeline/store/sync-keys.ts';
import { readStream } from '../../lib/pipeline/sync/start-sync.ts';
import { until } from '../local/until.ts';
import { type Deployed, deploy } from './deployed.ts';
import { temporaryFolder } from './headgate.ts';
import { follow, type Typed } from './runbook.ts';
import shop from './shop.ts';
import { type ShopApi, shopApi } from './shop-api.ts';

/**
 * The alarms are tried, not only declared: the stack of the templates is brought into each condition, and what the alarm looks at
 * crosses its threshold, which it did not before. Then its runbook is followed to the letter, and it is back.
 */

const SECRET = 'headgate/prod/shop/main';
/** Short, so that a run which is slow takes little; and few writes, so that a sync can be too many. */
const stage: Stage = { ...stages.prod, attempts: 3, workerTimeoutSeconds: 7, writesPerHour: 60, rotate: '15 seconds' };
const ref = { connection: 'main', stream: 'orders' };

/** `normal` is as it should be; `drive` brings the stack into the condition. What then follows is the runbook's. */
type Condition = {
  readonly runbook: string;
  readonly normal: () => Promise<void>;
  readonly drive: () => Promise<void>;
};

describe('each alarm', () => {
  const cleanUp: (() => unknown)[] = [];
  const ending = { after: (undo: () => unknown) => void cleanUp.unshift(undo) };
  const secrets = { [SECRET]: '{"token":"good"}' };
  let folder: string;
  let stack: Deployed;
  let api: ShopApi;
  let connector: OperatedConnector;
  let toThrottle = 0;

  before(async () => {
    folder = await temporaryFolder(ending);
    api = await shopApi(ending);
    const file = fileURLToPath(import.meta.resolve('./shop.ts'));
    stack = await deploy(ending, [{ connector: shop, file }], {
      stage,
      secrets,
      throttle: ({ operation }) => operation === 'UpdateItem' && toThrottle-- > 0,
    });
    writeFileSync(join(folder, 'secret.json'), '{"token":"new"}');
    writeFileSync(
      join(folder, 'headgate.config.ts'),
      `export default { connectors: [${JSON.stringify(file)}], stages: { prod: { workerTimeoutSeconds: 30 } } };`,
    );
    connector = await openConnector(
      { endpoint: stack.endpoint, region: REGION, credentials: stack.credentials },
      'prod',
      shop,
    );
    await connector.connections.create(
      { pk: 'shop', sk: 'main' },
      { params: JSON.stringify({ url: api.url }), status: 'active' },
    );
  });
  after(async () => {
    for (const undo of cleanUp) await undo();
  });

  const alarm = (name: string): Alarm => {
    const found = stack.alarms.find((each) => each.name.includes(`Alarms${name}`));
    assert.ok(found, name);
    return found;
  };
  /** How an alarm stands by what was measured in this period. */
  const stands = (name: string): { value: number | undefined; off: boolean } => {
    const value = valueAt(alarm(name), stack.measured(), Date.now());
    return { value, off: breaches(alarm(name), value) };
  };
  const housekeep = async () => connector.housekeep();
  /** Starts a sync as its schedule would; gives its time. */
  const tick = async (): Promise<string> => {
    const schedule = stack.schedules.find(({ target }) => target === 'queue');
    const at = new Date();
    await stack.fire(schedule?.id ?? '', at);
    return at.toISOString();
  };
  /** The same, until it has ended. */
  const sync = async (): Promise<void> => {
    const at = await tick();
    await until(async () => {
      const { lastTick = '', current } = await readStream(forSync(connector, { ...ref, sync: '' }));
      return lastTick >= at && current === undefined;
    }, 40);
  };
  const typed = (runbook: string): Promise<Typed[]> =>
    follow(runbook, { folder, env: { ...stack.env, STAGE: 'prod', CONNECTOR: 'shop', CONNECTION: 'main' } });

  const conditions: Record<string, Condition> = {
    Stale: {
      runbook: 'stale',
      normal: async () => {
        await sync();
        await housekeep();
      },
      // An hour passes without a sync: what is written down moves back by that much.
      drive: async () => {
        await connector.syncs.update(streamKey('shop', ref), { set: { freshAt: Date.now() - HOUR } });
        await housekeep();
      },
    },
    Paused: {
      runbook: 'paused',
      normal: housekeep,
      drive: async () => {
        api.token = 'new';
        secrets[SECRET] = '{"token":"bad"}';
        await tick();
        await until(async () => {
          const item = await connector.connections.get({ pk: 'shop', sk: 'main' });
          // A secret that was refused is not read again for ten seconds; whoever follows the runbook takes longer.
          return item?.status === 'paused' && Date.now() > Number(item.pausedAt) + 11_000;
        }, 40);
        await housekeep();
      },
    },
    SecretsAgeing: {
      runbook: 'secrets-ageing',
      normal: async () => {
        await connector.putSecret(SECRET, '{"token":"new"}');
        await housekeep();
      },
      // The first one is refused as soon as the second is in use.
      drive: async () => {
        writeFileSync(join(folder, 'secret.json'), '{"token":"newer"}');
        await until(async () => {
          await housekeep();
          return stands('SecretsAgeing').off;
        }, 40);
        api.token = 'newer';
      },
    },
    Throttled: {
      runbook: 'throttled',
      normal: sync,
      drive: async () => {
        api.mood = 'throttles';
        await tick();
        await until(() => stands('Throttled').off, 40);
      },
    },
    SchemaDrift: {
      runbook: 'schema-drift',
      normal: sync,
      drive: async () => {
        api.mood = 'drifts';
        await sync();
      },
    },
    FailuresWaiting: {
      runbook: 'failures-waiting',
      normal: sync,
      drive: async () => {
        api.mood = 'gone';
        await sync();
      },
    },
    Incomplete: {
      runbook: 'incomplete',
      normal: sync,
      drive: async () => {
        api.mood = 'gone';
        await sync();
      },
    },
    FunctionErrors: {
      runbook: 'function-errors',
      normal: sync,
      drive: async () => {
        api.mood = 'kills';
        await sync();
      },
    },
    HousekeepingSilent: { runbook: 'housekeeping-silent', normal: housekeep, drive: async () => {} },
    FunctionsSlow: {
      runbook: 'functions-slow',
      normal: sync,
      drive: async () => {
        api.mood = 'slow';
        await tick();
        await until(() => stands('FunctionsSlow').off, 40);
      },
    },
    StateThrottled: {
      runbook: 'state-throttled',
      normal: sync,
      drive: async () => {
        toThrottle = 2;
        await sync();
      },
    },
    Writes: {
      runbook: 'writes',
      normal: housekeep,
      drive: async () => {
        for (let i = 0; i < 3; i++) await sync();
      },
    },
  };

  for (const [name, { runbook, normal, drive }] of Object.entries(conditions)) {
    it(`${name}: crosses its threshold, and is back when its runbook was followed`, async () => {
      stack.forget();
      await normal();
      assert.equal(stands(name).off, false, `before: ${JSON.stringify(stands(name))}`);
      stack.forget();
      await drive();
      // A function writes its metrics when it ends, a moment after what it did can be seen.
      await until(() => stands(name).off);
      assert.equal(stands(name).off, true);
      api.mood = 'well';
      stack.forget();
      const commands = await typed(runbook);
      assert.equal(
        stands(name).off,
        false,
        `after: ${JSON.stringify(stands(name))}\n${JSON.stringify(commands, null, 1)}`,
      );
      for (const { command, code, output } of commands) assert.ok(code === 0 || code === 2, `${command}\n${output}`);
    });
  }

  it('FailuresWaiting: is over, too, when a later sync brought what was missing', async () => {
    api.mood = 'gone';
    await sync();
    await until(() => stands('FailuresWaiting').off);
    api.mood = 'well';
    await sync();
    stack.forget();
    assert.equal(stands('FailuresWaiting').off, true, 'the message is still there');
    await typed('failures-waiting');
    stack.forget();
    assert.equal(stands('FailuresWaiting').off, false);
  });
});
