import { SECOND } from '../../core/time.ts';
import { forConnection, type Invocation } from '../invocation.ts';
import type { Credential, CredentialReplacement, Credentials, NoCredential, RefusedCredential } from './credentials.ts';
import { pauseConnection } from './pause.ts';
import { refusalTracker } from './refusal-tracker.ts';
import { type ConnectionSecret, forgetSecret, readConnectionSecret, readSecret, secretName } from './secrets-cache.ts';

/** A secret that was just read past the cache is not read again for this long, whatever is refused. */
const REREAD_AFTER = 10 * SECOND;

/** Requests that a secret authorises by itself: a key, a password, a signature. A key that was rotated is found at the first refusal. */
export function secretCredentials(connection: string): Credentials {
  const seen = refusalTracker(connection);
  let latest: Credential | undefined;
  let rereadAt = Number.NEGATIVE_INFINITY;
  let rereading: Promise<void> | undefined;

  async function current(invocation: Invocation): Promise<Credential | NoCredential> {
    const secret = await readConnectionSecret(forConnection(invocation, connection));
    if ('fields' in secret) {
      latest = credentialOf(secret);
      return latest;
    }
    await pauseConnection(forConnection(invocation, connection), secret.problem, `s${secret.version}`);
    return { reason: secret.problem, paused: true };
  }

  /** Reads past the cache, once for all that are refused together. */
  function reread(invocation: Invocation): Promise<void> {
    if (invocation.clock.now() - rereadAt < REREAD_AFTER) return rereading ?? Promise.resolve();
    rereadAt = invocation.clock.now();
    forgetSecret(invocation, secretName(forConnection(invocation, connection)));
    rereading = readSecret(invocation, secretName(forConnection(invocation, connection))).then(() => {});
    return rereading;
  }

  async function refused(
    invocation: Invocation,
    { mark }: Credential,
    refusal: RefusedCredential,
  ): Promise<CredentialReplacement> {
    const before = await current(invocation);
    if (!('mark' in before) || before.mark !== mark) return before;
    await reread(invocation);
    const now = await current(invocation);
    if (!('mark' in now) || now.mark !== mark) return now;

    return seen.weigh(invocation, now, refusal, ({ worked }) => worked === mark);
  }

  return {
    async current(invocation) {
      const credential = await current(invocation);
      return 'mark' in credential ? seen.allow(invocation, credential) : credential;
    },
    atHand: (credential) => latest ?? credential,
    refused,
    worked: seen.worked,
    settled: () => Promise.resolve(),
  };
}

const credentialOf = ({ fields, version }: ConnectionSecret): Credential => ({
  mark: `s${version}`,
  fields,
  grant: undefined,
});
