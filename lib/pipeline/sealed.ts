import { createHash } from 'node:crypto';
import { compactDecrypt } from 'jose/jwe/compact/decrypt';
import { CompactEncrypt } from 'jose/jwe/compact/encrypt';
import type { Secret, SecretStage } from './ports.ts';

/**
 * Tokens at rest are JWEs (RFC 7516): `dir`, A256GCM. `kid` names the version of the key, `sub` whose it is: a token that is copied to another
 * connection's row cannot be opened there. The key is a random text of the stage's own in the secrets manager.
 */

const ALGORITHMS = { alg: 'dir', enc: 'A256GCM' } as const;

/** Gives the sealing key as it stands now, or as it stood before it was rotated last. */
export type SealingKey = (stage: SecretStage) => Promise<Secret | undefined>;

/** Seals a text for its owner. */
export async function seal(keyAt: SealingKey, owner: string, text: string): Promise<string> {
  const key = await keyAt('AWSCURRENT');
  if (key === undefined) throw new Error('The key that seals tokens is not in the secrets manager.');
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ ...ALGORITHMS, kid: key.version, sub: owner })
    .encrypt(bytesOf(key));
}

/** Opens what was sealed for this owner; `undefined` if it was not, or its key is gone. */
export async function unseal(keyAt: SealingKey, owner: string, sealed: string): Promise<string | undefined> {
  for (const stage of ['AWSCURRENT', 'AWSPREVIOUS'] as const) {
    const key = await keyAt(stage);
    const opened = key && (await open(key, owner, sealed));
    if (opened !== undefined) return opened;
  }
  return undefined;
}

async function open(key: Secret, owner: string, sealed: string): Promise<string | undefined> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, bytesOf(key), {
      keyManagementAlgorithms: [ALGORITHMS.alg],
      contentEncryptionAlgorithms: [ALGORITHMS.enc],
    });
    return protectedHeader.sub === owner ? new TextDecoder().decode(plaintext) : undefined;
  } catch {
    return undefined;
  }
}

/** The generated text holds far more than 256 bits of chance: its hash is a key. */
const bytesOf = ({ value }: Secret): Uint8Array => createHash('sha256').update(value).digest();
