import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { REFRESH_LEASE } from '../../../lib/core/auth/token.ts';
import { HOUR, MINUTE, SECOND } from '../../../lib/core/time.ts';
import { makeLink } from '../../../lib/pipeline/consent/connect.ts';
import { readAccount } from '../../../lib/pipeline/credentials/account.ts';
import type { Credential, NoCredential } from '../../../lib/pipeline/credentials/credentials.ts';
import { readTokenState } from '../../../lib/pipeline/credentials/credentials.ts';
import { forConnection, type Invocation } from '../../../lib/pipeline/invocation.ts';
import type { Ports } from '../../../lib/pipeline/ports.ts';
import { housekeep } from '../../../lib/pipeline/sync/housekeep.ts';
import { intercept } from '../../memory/intercept.ts';
import { type ConnectServer, startConnectServer } from '../../oidc/connect-server.ts';
import { consent } from '../../oidc/consent.ts';
import { CLIENT, type OidcProvider, startProvider } from '../../oidc/provider.ts';
import { consented, systemTime, type TokensWorld, tokensWorld } from '../../oidc/tokens-world.ts';

/** A worker that dies at one of its calls, before or after its effect: nothing that it does afterwards happens. */
type Death = { readonly call: number; readonly moment: 'before' | 'after' };
const KINDS = ['tokens', 'connections', 'secrets', 'http'] as const;

function mortal(ports: Ports, death: Death | undefined, calls: string[], onDeath: () => void): Partial<Ports> {
  let dead = false;
  const die = (): Promise<never> => {
    onDeath();
    return new Promise(() => {});
  };
  const port = <T extends object>(target: T, kind: string): T =>
    intercept(target, async (method, _, call) => {
      if (dead) return new Promise(() => {});
      calls.push(`${kind}.${method}`);
      const dies = death !== undefined && calls.length === death.call;
      if (dies) dead = true;
      if (dies && death.moment === 'before') return die();
      const result = await call();
      return dies ? die() : result;
    });
  return Object.fromEntries(KINDS.map((kind) => [kind, port(ports[kind], kind)]));
}

describe('a worker that dies in the middle of a refresh, where refresh tokens rotate and reuse ends the family', () => {
  let server: ConnectServer;
  let provider: OidcProvider;
  before(async () => {
    server = await startConnectServer();
    provider = await startProvider({ redirectUris: [`${server.url}/callback`] });
  });
  after(() => Promise.all([server.stop(), provider.stop()]));

  let passed = 0;
  const clock = { ...systemTime, now: () => Date.now() + passed };

  async function connected(): Promise<TokensWorld> {
    const world = tokensWorld(consented(provider.issuer), { clock });
    await world.open();
    server.serve(() => world.worker());
    await consent(server.url + (await makeLink(forConnection(world.worker(), 'main'))));
    return world;
  }
  async function credentialOf(invocation: Invocation): Promise<Credential | NoCredential> {
    const account = await readAccount(forConnection(invocation, 'main'));
    if ('paused' in account) return { reason: account.paused, paused: true };
    assert.ok('credentials' in account);
    return account.credentials.current(invocation);
  }
  /** One refresh, by a worker that may die of it. Whether it lived. */
  async function refreshOnce(world: TokensWorld, death: Death | undefined, calls: string[]): Promise<boolean> {
    const died = Promise.withResolvers<'died'>();
    const invocation = world.worker(mortal(world.ports, death, calls, () => died.resolve('died')));
    const work = async (): Promise<'lived'> => {
      const account = await readAccount(forConnection(invocation, 'main'));
      assert.ok('credentials' in account);
      await account.credentials.current(invocation);
      await account.credentials.current(invocation);
      await account.credentials.settled();
      return 'lived';
    };
    return (await Promise.race([work(), died.promise])) === 'lived';
  }

  it('the family lives on; where the answer was lost the connection pauses, says why once, and resumes after consent', async () => {
    passed = 0;
    const clean = await connected();
    passed += 0.9 * HOUR;
    const calls: string[] = [];
    assert.ok(await refreshOnce(clean, undefined, calls));
    assert.equal((await readTokenState(forConnection(clean.worker(), 'main'))).version, 2);
    const request = calls.indexOf('http.send') + 1;
    const stored = calls.indexOf('tokens.upsert', request) + 1;
    assert.ok(request > 3 && stored > request, calls.join(' '));

    const lost: string[] = [];
    const before = { ...provider.counts };
    for (let call = 1; call <= stored; call++) {
      for (const moment of ['before', 'after'] as const) {
        const context = `dies ${moment} call ${call} of ${calls.join(' ')}`;
        const revoked = provider.counts.revoked;
        const world = await connected();
        passed += 0.9 * HOUR;
        const old = await credentialOf(world.worker());
        assert.ok('mark' in old && old.mark === 'v1', context);
        assert.ok(!(await refreshOnce(world, { call, moment }, [])), context);

        // Others go on with the token that is valid, and leave the refresh to whom it belongs.
        const meanwhile = await credentialOf(world.worker());
        assert.ok('mark' in meanwhile, context);
        assert.equal(provider.counts.revoked, revoked, context);

        passed += 0.2 * HOUR + REFRESH_LEASE;
        const next = await credentialOf(world.worker());
        const answered = (call === request && moment === 'after') || (call > request && call < stored);
        const gone = answered || (call === stored && moment === 'before');
        if (!gone) {
          assert.ok('mark' in next && next.mark === 'v2', `${context}: ${JSON.stringify(next)}`);
          assert.equal(provider.counts.revoked, revoked, context);
          continue;
        }
        lost.push(`${moment} ${call}`);
        assert.ok('paused' in next, `${context}: ${JSON.stringify(next)}`);
        assert.match(next.reason.message, /the answer to a refresh was lost/);
        await standsStill(world, context);
        await resumes(world, context);
      }
    }
    assert.ok(lost.length >= 2, lost.join(', '));
    // Each was ended by the loss itself, when nothing of it was left to lose.
    assert.equal(provider.counts.revoked - before.revoked, lost.length);
  });

  /** No storm: whoever comes again asks nobody, and nobody is alarmed twice. */
  async function standsStill(world: TokensWorld, context: string): Promise<void> {
    const { errors } = provider.counts;
    for (let worker = 0; worker < 16; worker++) {
      const again = await credentialOf(world.worker());
      assert.ok('paused' in again, context);
    }
    await housekeep(world.worker());
    assert.equal(provider.counts.errors, errors, context);
    assert.equal(world.log.lines.filter(({ message }) => message === 'connection paused').length, 1, context);
    assert.equal((await world.status()).status, 'paused', context);
  }

  async function resumes(world: TokensWorld, context: string): Promise<void> {
    server.serve(() => world.worker());
    await consent(server.url + (await makeLink(forConnection(world.worker(), 'main'))));
    const next = await credentialOf(world.worker());
    assert.ok('mark' in next, context);
    assert.equal((await world.status()).status, 'active', context);
  }

  it('a consent that was withdrawn pauses; housekeeping resumes when the secret is another one', async () => {
    const world = await connected();
    await provider.revokeAll();
    passed += 2 * HOUR;
    const next = await credentialOf(world.worker());
    assert.ok('paused' in next);
    assert.match(next.reason.message, /refuses: invalid_grant/);
    await housekeep(world.worker());
    assert.equal((await world.status()).status, 'paused', 'nothing has changed');
    passed += 10 * MINUTE;
    world.secrets['headgate/test/rows/main'] = JSON.stringify({ ...CLIENT, note: 'rotated' });
    await housekeep(world.worker());
    assert.equal((await world.status()).status, 'active');
  });

  it('a refresh token that would die of idleness is used by housekeeping', async () => {
    const world = await connected();
    passed += 16 * 24 * HOUR;
    await housekeep(world.worker());
    const state = await readTokenState(forConnection(world.worker(), 'main'));
    assert.equal(state.version, 2);
    assert.ok(clock.now() - (state.gotAt ?? 0) < 10 * SECOND);
  });
});
