import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { secretsManager } from '../../lib/aws/secrets.ts';
import type { Secrets } from '../../lib/pipeline/ports.ts';
import { type Answer, type Stub, startStub } from '../aws/stub.ts';
import { memorySecrets } from '../memory/secrets.ts';
import { type Embedded, startEmbedded } from './embedded.ts';
import { credentials } from './emulator.ts';

const stored = { 'headgate/prod/github/acme': '{"token":"é"}', empty: '' };

/** What every `Secrets` does, when these are stored. */
function secretsContract(open: () => Secrets): void {
  test('a secret is its text', async () => {
    for (const [name, value] of Object.entries(stored)) assert.equal((await open().get(name))?.value, value);
  });

  test('a version stays with its value, and does not tell it', async () => {
    const [token, empty] = await Promise.all(Object.keys(stored).map((name) => open().get(name)));
    assert.ok(token && empty && token.version !== empty.version);
    assert.deepEqual(await open().get('headgate/prod/github/acme'), token);
    assert.ok(!token.version.includes('token'));
  });

  test('a secret that was never changed has no previous value', async () => {
    assert.equal(await open().get('empty', 'AWSPREVIOUS'), undefined);
  });

  test('what is not there is undefined', async () => {
    for (const name of ['headgate/prod/github/other', 'toString']) assert.equal(await open().get(name), undefined);
  });
}

describe('Secrets in memory', () => secretsContract(() => memorySecrets(stored)));

describe('Secrets on Secrets Manager (embedded)', () => {
  let embedded: Embedded;
  before(async () => {
    embedded = await startEmbedded(stored);
  });
  after(() => embedded.stop());
  secretsContract(() => secretsManager(embedded.secrets));
});

const asked = z.object({ SecretId: z.string(), VersionStage: z.string() });

describe('Secrets on Secrets Manager', () => {
  const failed = (type: string): Answer => ({ status: 400, body: { __type: type, message: type } });
  const values = new Map(Object.entries(stored));
  let stub: Stub;
  let secrets: Secrets;
  before(async () => {
    stub = await startStub(({ input }) => {
      const { SecretId: name, VersionStage: stage } = asked.parse(input);
      if (name === 'bytes') return { status: 200, body: { SecretBinary: 'AAAA' } };
      if (name === 'forbidden') return failed('AccessDeniedException');
      const value = values.get(name);
      return value === undefined || stage === 'AWSPREVIOUS'
        ? failed('ResourceNotFoundException')
        : { status: 200, body: { SecretString: value, VersionId: `of-${name.length}` } };
    });
    secrets = secretsManager(new SecretsManagerClient({ endpoint: stub.endpoint, ...credentials }));
  });
  after(() => stub.stop());
  secretsContract(() => secrets);

  test('a secret of bytes is an error', () => assert.rejects(secrets.get('bytes'), /"bytes" holds bytes/));
  test('a secret that may not be read is an error', () =>
    assert.rejects(secrets.get('forbidden'), { name: 'AccessDeniedException' }));
});
