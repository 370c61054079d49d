import * as z from 'zod';
import { nodeHttp } from '../../lib/aws/http.ts';
import { jwe } from '../../lib/aws/jwe.ts';
import { systemRandom } from '../../lib/aws/random.ts';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { authorizationCode, clientCredentials, defineConnector, pages } from '../../lib/core/connector/connector.ts';
import { MINUTE } from '../../lib/core/time.ts';
import type { Invocation } from '../../lib/pipeline/invocation.ts';
import { newWorkerMemory } from '../../lib/pipeline/invocation.ts';
import type { Clock, Http, Ports, Seals } from '../../lib/pipeline/ports.ts';
import { memoryEvents } from '../memory/events.ts';
import { storedGzip, storedText } from '../memory/gzip.ts';
import { memoryLog } from '../memory/log.ts';
import { memoryMetrics } from '../memory/metrics.ts';
import { memoryObjects } from '../memory/objects.ts';
import { memorySecrets } from '../memory/secrets.ts';
import { memoryTable } from '../memory/table.ts';
import { memoryQueue } from '../memory/task-queue.ts';
import { witness } from '../memory/witness.ts';
import { CLIENT } from './provider.ts';

/** Memory ports around real HTTP: everything of a connection's tokens, and nothing of AWS. */

export const rowsBy = (auth: Parameters<typeof defineConnector>[0]['auth'], url: string): Connector =>
  defineConnector({
    name: 'rows',
    docs: '',
    params: z.object({}),
    baseUrl: `${url}/api`,
    auth,
    limits: [],
    streams: (stream) => ({
      rows: stream({
        request: ({ page }) => ({ path: '/rows', query: { page: page.number } }),
        paging: pages({ size: 10 }),
        total: (reply) => reply.body.total,
        records: (body) => body.rows,
        schema: z.object({ id: z.int() }),
        key: 'id',
      }),
    }),
  });

export const consented = (issuer: string): Connector =>
  rowsBy(
    authorizationCode({
      authorizeUrl: `${issuer}/auth`,
      tokenUrl: `${issuer}/token`,
      issuer,
      scopes: ['openid', 'offline_access', 'api:read'],
      parameters: { prompt: 'consent' },
    }),
    issuer,
  );

export const credentialed = (issuer: string): Connector =>
  rowsBy(clientCredentials({ tokenUrl: `${issuer}/token` }), issuer);

export const systemTime: Clock = {
  now: Date.now,
  wait: (millis) => new Promise((resolve) => setTimeout(resolve, millis)),
};

export type TokensWorld = ReturnType<typeof tokensWorld>;

export function tokensWorld(
  connector: Connector,
  { clock = systemTime, http = nodeHttp(), seals = jwe }: { clock?: Clock; http?: Http; seals?: Seals } = {},
) {
  const { watch, seen } = witness();
  const secrets: Record<string, string> = {
    'headgate/test/rows/main': JSON.stringify(CLIENT),
    'token-key': 'the-key-that-seals-tokens',
  };
  const log = memoryLog();
  const connections = memoryTable();
  const queue = memoryQueue(clock, 900);
  const ports: Ports = {
    syncs: watch(memoryTable()),
    connections: watch(connections),
    rateLimits: watch(memoryTable()),
    tokens: watch(memoryTable()),
    queue: watch(queue),
    failures: watch(memoryQueue(clock, 900)),
    objects: watch(memoryObjects()),
    gzip: storedGzip,
    gunzip: storedText,
    http,
    secrets: memorySecrets(secrets),
    seals,
    events: watch(memoryEvents()),
    log: watch(log),
    metrics: memoryMetrics(),
    clock,
    random: systemRandom,
  };
  /** One worker: what it remembers is its own. `more`: other ports, for whoever dies or is watched. */
  function worker(more: Partial<Ports> = {}): Invocation {
    return {
      ...ports,
      ...more,
      connector,
      memory: newWorkerMemory(),
      settings: {
        SCHEMA_MODE: 'strict',
        ATTEMPTS: 5,
        OUTAGE_SECONDS: 0,
        VISIBILITY_TIMEOUT_SECONDS: 900,
        MAXIMUM_CONCURRENCY: 10,
        SECRETS_PREFIX: 'headgate/test/rows',
        TOKEN_KEY: 'token-key',
      },
      remaining: () => 15 * MINUTE,
      budget: 15 * MINUTE,
    };
  }
  return {
    ports,
    secrets,
    log,
    worker,
    /** Everything that was written down anywhere. */
    seen,
    open: () => connections.create({ pk: 'rows', sk: 'main' }, { params: '{}', status: 'active' }),
    status: async () => Object(await connections.get({ pk: 'rows', sk: 'main' })),
  };
}
