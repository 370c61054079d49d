import { createHash } from 'node:crypto';
import { compactDecrypt } from 'jose/jwe/compact/decrypt';
import { CompactEncrypt } from 'jose/jwe/compact/encrypt';
import type { Seals, Secret } from '../pipeline/ports.ts';

const ALGORITHMS = { alg: 'dir', enc: 'A256GCM' } as const;

/** JWEs (RFC 7516): `dir`, A256GCM. `kid` names the version of the key, `sub` the owner. */
export const jwe: Seals = {
  seal: (key, owner, text) =>
    new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ ...ALGORITHMS, kid: key.version, sub: owner })
      .encrypt(bytesOf(key)),

  async open(key, owner, sealed) {
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, bytesOf(key), {
        keyManagementAlgorithms: [ALGORITHMS.alg],
        contentEncryptionAlgorithms: [ALGORITHMS.enc],
      });
      return protectedHeader.sub === owner ? new TextDecoder().decode(plaintext) : undefined;
    } catch {
      return undefined;
    }
  },
};

/** The generated text holds far more than 256 bits of chance: its hash is a key. */
const bytesOf = ({ value }: Secret): Uint8Array => createHash('sha256').update(value).digest();
