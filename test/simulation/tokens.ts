import * as z from 'zod';
import { TOKEN_DEADLINE } from '../../lib/core/auth/token.ts';
import { authorizationCode, type Connector, defineConnector, one } from '../../lib/core/connector/connector.ts';
import { HOUR, MINUTE, SECOND } from '../../lib/core/time.ts';
import { credentialsSettled, readAccount } from '../../lib/pipeline/credentials/account.ts';
import { readTokenState } from '../../lib/pipeline/credentials/credentials.ts';
import { keepAuthorised } from '../../lib/pipeline/credentials/keep-authorised.ts';
import { resumeConnection } from '../../lib/pipeline/credentials/pause.ts';
import { storeToken } from '../../lib/pipeline/credentials/refresh-token.ts';
import type { Invocation } from '../../lib/pipeline/invocation.ts';
import { forConnection, newWorkerMemory, type WorkerMemory } from '../../lib/pipeline/invocation.ts';
import type { Ports, Table } from '../../lib/pipeline/ports.ts';
import { memoryEvents } from '../memory/events.ts';
import { storedGzip, storedText } from '../memory/gzip.ts';
import { memoryLog } from '../memory/log.ts';
import { memoryMetrics } from '../memory/metrics.ts';
import { memoryObjects } from '../memory/objects.ts';
import { seededRandom } from '../memory/random.ts';
import { memorySeals } from '../memory/seals.ts';
import { memorySecrets } from '../memory/secrets.ts';
import { memoryTable } from '../memory/table.ts';
import { type Exposure, exposed } from './exposed.ts';
import type { Violation } from './invariants.ts';
import { type Tally, tally } from './tally.ts';
import { TOKEN_MARK, tokenServer } from './token-server.ts';
import { virtualTime } from './virtual-time.ts';

/**
 * The tokens of one connection for half a day: workers that crash, freeze and are cut off, calls that fail and whose answers are lost, an
 * authorization server that detects reuse and hangs, and a person who consents again when it is needed. The code under test is the
 * code that ships.
 */

const START = Date.UTC(2026, 10, 22, 12);
const RUN = 12 * HOUR;
/** In the last hours the weather is fair: whatever happened, it must go on. */
const CALM_AFTER = 9 * HOUR;
const WORKERS = 4;
const FUNCTION_TIMEOUT = 150 * SECOND;
const MOST_EVENTS = 400_000;
const CLIENT_SECRET = 'CL13NT-S3CR3T-never-to-be-seen';

const TOO_LATE = { failed: 'timeout', message: 'no answer in time' } as const;

const connector: Connector = defineConnector({
  name: 'sim',
  docs: '',
  params: z.object({}),
  baseUrl: 'https://api.sim.test',
  auth: authorizationCode({ authorizeUrl: 'https://login.sim.test/auth', tokenUrl: 'https://login.sim.test/token' }),
  limits: [],
  streams: (stream) => ({
    rows: stream({
      request: () => ({ path: '/rows' }),
      paging: one(),
      records: (body) => body,
      schema: z.object({ id: z.number() }),
      key: 'id',
    }),
  }),
});

export type TokensRun = { readonly violations: readonly Violation[]; readonly tally: Tally };

export async function simulateTokens(seed: number, trace: (line: string) => void = () => {}): Promise<TokensRun> {
  const random = seededRandom(seed);
  const time = virtualTime(START);
  const counted = tally();
  const found: Violation[] = [];
  const broken = (invariant: string, what: string): void => void found.push({ invariant, what });
  const maybe = (chance: number, rate: number): number =>
    random.number() < chance ? rate * (0.2 + random.number()) : 0;
  const weather = {
    crash: maybe(0.6, 0.02),
    freeze: maybe(0.4, 0.01),
    refused: maybe(0.4, 0.02),
    lostAnswer: maybe(0.4, 0.02),
    repeated: maybe(0.4, 0.05),
    fails: maybe(0.6, 0.2),
    skew: maybe(0.5, 100),
  };
  const server = tokenServer({ time, random, tally: counted, fails: weather.fails, skew: weather.skew, broken });
  const isCalm = (): boolean => time.now() - START > CALM_AFTER;
  const chance = (rate: number): boolean => rate > 0 && !isCalm() && random.number() < rate;

  const log = memoryLog();
  const refreshOf = (sealed: string): string => {
    const parts: unknown[] = JSON.parse(Buffer.from(sealed, 'base64url').toString());
    return String(parts[2]);
  };
  const plain = memoryTable();
  const tokens: Table = {
    ...plain,
    async upsert(key, change, when) {
      const written = await plain.upsert(key, change, when);
      if (written.ok && typeof change.set?.refresh === 'string') server.noteStored(refreshOf(change.set.refresh));
      return written;
    },
  };
  const connections = memoryTable();
  const ports: Ports = {
    syncs: memoryTable(),
    connections,
    rateLimits: memoryTable(),
    tokens,
    queue: { send: async () => {} },
    failures: { send: async () => {} },
    objects: memoryObjects(),
    gzip: storedGzip,
    gunzip: storedText,
    http: { send: () => Promise.reject(new Error('only workers send requests')) },
    secrets: memorySecrets({
      'sim/main': JSON.stringify({ clientId: 'me', clientSecret: CLIENT_SECRET }),
      'token-key': 'K3Y',
    }),
    seals: memorySeals,
    events: memoryEvents(),
    log,
    metrics: memoryMetrics(),
    clock: { now: time.now, wait: (millis) => new Promise((resolve) => time.after(millis, resolve)) },
    random,
  };
  const settings = {
    SCHEMA_MODE: 'permissive',
    ATTEMPTS: 5,
    OUTAGE_SECONDS: 3_600,
    VISIBILITY_TIMEOUT_SECONDS: 900,
    MAXIMUM_CONCURRENCY: 10,
    SECRETS_PREFIX: 'sim',
    TOKEN_KEY: 'token-key',
  } as const;

  /** The life of one invocation; `over` is told when it has ended, one way or the other. */
  function invoke(
    name: string,
    memory: WorkerMemory,
    body: (invocation: Invocation) => Promise<void>,
    over: (died: boolean) => void,
  ): void {
    const startedAt = time.now();
    const skew = (random.number() - 0.5) * weather.skew;
    let alive = true;
    const granted: string[] = [];
    const end = (died: boolean, why = ''): void => {
      if (!alive) return;
      alive = false;
      if (died) counted.count(why);
      for (const refresh of granted)
        if (!died && !server.wasKept(refresh)) broken('4 what was granted is stored', `${refresh} was not`);
      if (died) trace(`${time.now() - START} ${name} dies: ${why}`);
      over(died);
    };
    if (random.number() < 0.5 || isCalm()) time.after(FUNCTION_TIMEOUT, () => end(true, 'timeouts'));

    const exposure: Exposure = {
      ...{ time, random, weather, chance, tally: counted },
      trace: (line) => trace(`${time.now() - START} ${name} ${line()}`),
    };
    const caller = { alive: () => alive, die: (of: string) => end(true, of) };
    const port = <T extends object>(of: T, kind: string, repeats: boolean): T =>
      exposed(exposure, caller, of, kind, repeats);
    const queried = (table: Table): Table => ({
      ...port(table, 'connections', true),
      query: table.query,
      live: table.live,
      stalest: table.stalest,
    });

    const invocation: Invocation = {
      ...ports,
      tokens: port(ports.tokens, 'tokens', true),
      connections: queried(ports.connections),
      secrets: port(ports.secrets, 'secrets', false),
      http: {
        send: (request, { deadline }) =>
          new Promise((resolve) => {
            if (!alive) return;
            if (deadline < TOKEN_DEADLINE) broken('4 a refresh has its whole deadline', `one had ${deadline} ms`);
            if (chance(weather.crash)) return end(true, 'crashes');
            const { takes, reply, answered } = server.answer(request);
            trace(`${time.now() - START} ${name} refreshes with ${request.body}`);
            const crash = chance(weather.crash);
            time.after(Math.min(takes, deadline), () => {
              if (!alive) return;
              if (crash) return end(true, 'crashes');
              answered();
              if (takes > deadline) counted.count('answers that came too late');
              const answer = takes > deadline ? TOO_LATE : reply();
              const { refresh_token: refresh } =
                'status' in answer ? JSON.parse(new TextDecoder().decode(answer.body)) : {};
              if (!chance(10 * weather.freeze)) {
                if (refresh !== undefined) granted.push(refresh);
                return resolve(answer);
              }
              counted.count('freezes');
              time.after(random.number() ** 2 * 3 * HOUR, () => alive && resolve(answer));
            });
          }),
      },
      clock: {
        now: () => Math.floor(time.now() + skew),
        wait: (millis) => new Promise((resolve) => time.after(millis, () => alive && resolve())),
      },
      connector,
      memory,
      settings,
      remaining: () => startedAt + FUNCTION_TIMEOUT - time.now(),
      budget: FUNCTION_TIMEOUT,
    };
    body(invocation).then(
      () => end(false),
      (error: unknown) => {
        trace(`${time.now() - START} ${name} threw ${String(error)}`);
        end(false);
      },
    );
  }

  let worksAt = START;
  /** Asks for pages, one after the other, for as long as an invocation may. */
  async function work(invocation: Invocation): Promise<void> {
    await ask(invocation).catch((error: unknown) => trace(`a page failed: ${String(error)}`));
    await credentialsSettled(invocation);
  }
  async function ask(invocation: Invocation): Promise<void> {
    const until = invocation.clock.now() + FUNCTION_TIMEOUT * 0.4;
    while (invocation.clock.now() < until) {
      const account = await readAccount(forConnection(invocation, 'main'));
      if (!('credentials' in account)) break;
      const { credentials } = account;
      const credential = await credentials.current(invocation);
      if (!('mark' in credential)) {
        await invocation.clock.wait(
          Math.min(credential.reason.code === 'token-awaited' ? SECOND : 10 * SECOND, 20 * SECOND),
        );
        continue;
      }
      const used = credentials.atHand(credential, invocation.clock.now());
      if (used === undefined) continue;
      const taken = server.api(used.fields.token);
      counted.count(taken ? 'requests taken' : 'requests refused');
      if (taken) worksAt = time.now();
      await invocation.clock.wait(50);
      const reason = { code: 'http-401', message: 'HTTP 401' };
      if (taken) await credentials.worked(invocation, used);
      else await credentials.refused(invocation, used, { request: 'GET /rows', reason });
      await invocation.clock.wait(500 + random.number() * 15 * SECOND);
    }
  }

  const memories = Array.from({ length: WORKERS + 1 }, newWorkerMemory);
  const again = (slot: number): void =>
    time.after(random.number() * 4 * MINUTE, () => {
      if (time.now() - START > RUN) return;
      invoke(`worker ${slot}`, memories[slot] ?? newWorkerMemory(), work, (died) => {
        if (died) memories[slot] = newWorkerMemory();
        again(slot);
      });
    });
  const keepHouse = (): void =>
    time.after(5 * MINUTE, () => {
      if (time.now() - START > RUN) return;
      const kept = async (invocation: Invocation): Promise<void> => void (await keepAuthorised(invocation));
      invoke('housekeeping', memories[WORKERS] ?? newWorkerMemory(), kept, () => keepHouse());
    });

  /** A person consents, whatever the weather. */
  const bare: Invocation = {
    ...ports,
    connector,
    memory: newWorkerMemory(),
    settings,
    remaining: () => HOUR,
    budget: HOUR,
  };
  async function consent(): Promise<void> {
    const { auth } = connector;
    if (auth.kind !== 'authorizationCode') throw new Error('Nobody consents.');
    const { access, refresh, life } = server.consent();
    const place = { connection: 'main', params: {}, flow: auth, meters: [] };
    const consentAt = time.now();
    let state = await readTokenState(forConnection(bare, 'main'));
    do
      state = await storeToken({ ...bare, ...place }, state, {
        grant: { token: access, refresh, life, body: {} },
        leftAt: time.now(),
        consentAt,
      });
    while (state.consentAt !== consentAt);
    // Who dies in between leaves a connection that is paused, with a consent that is not what was refused.
    if (random.number() < 0.5) await resumeConnection(forConnection(bare, 'main'), undefined);
    counted.count('consents');
  }
  let pauses = 0;
  let needless = 0;
  let minutesPaused = 0;
  const watch = (): void =>
    time.after(MINUTE, async () => {
      const item = await connections.get({ pk: 'sim', sk: 'main' });
      const told = log.lines.filter(({ message }) => message === 'connection paused').length;
      if (told > pauses) {
        if (told > pauses + 1) broken('one alarm for one pause', `${told - pauses} within a minute`);
        pauses = told;
        counted.count('pauses');
      }
      // Who was frozen may store the successor after others were refused: housekeeping notices.
      needless = item?.status === 'paused' && server.isGood() ? needless + 1 : 0;
      if (needless > 60) broken('4 no pause without need', `what is stored could be used: ${String(item?.reason)}`);
      minutesPaused = item?.status === 'paused' ? minutesPaused + 1 : 0;
      if (minutesPaused > 70 || (minutesPaused > 0 && random.number() < 0.02)) await consent();
      if (time.now() - START < RUN) watch();
    });

  await connections.create({ pk: 'sim', sk: 'main' }, { params: '{}', status: 'active' });
  await consent();
  for (let slot = 0; slot < WORKERS; slot++) again(slot);
  keepHouse();
  watch();
  time.after(CALM_AFTER, server.becomeCalm);
  const end = await time.run(() => time.now() - START > RUN, MOST_EVENTS);

  if (end === 'too many events') broken('5 everything ends', 'the run does not');
  if (worksAt < START + RUN - 100 * MINUTE)
    broken('5 it goes on', `nothing has worked for ${Math.round((START + RUN - worksAt) / MINUTE)} minutes`);
  const trouble = ['crashes', 'timeouts', 'calls refused', 'answers lost', 'answers that came too late'];
  const troubles = trouble.reduce((sum, what) => sum + (counted.counts.get(what) ?? 0), 0);
  if (server.refusals.count > pauses + troubles)
    broken('5 no storm', `${server.refusals.count} refusals for ${pauses} pauses`);
  const written = JSON.stringify(log.lines);
  if (written.includes(TOKEN_MARK) || written.includes(CLIENT_SECRET)) broken('7 no secret anywhere', 'one was logged');
  return { violations: found, tally: counted };
}
