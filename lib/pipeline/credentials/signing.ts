import { createHmac, hash as digestOf } from 'node:crypto';
import type { Signing } from '../../core/auth/signing.ts';
import type { Invocation } from '../invocation.ts';

/** What a request that leaves now is signed with. `now`: epoch milliseconds. */
export const signingAt = ({ random }: Pick<Invocation, 'random'>, now: number): Signing => ({
  now,
  nonce: random.id(),
  digest: (hash, text, encoding) => digestOf(hash, text, encoding),
  hmac(hash, key, texts, encoding) {
    const first = typeof key === 'string' ? key : Buffer.from(key.base64, 'base64');
    const mac = [texts].flat().reduce<string | Buffer>((by, text) => createHmac(hash, by).update(text).digest(), first);
    return Buffer.from(mac).toString(encoding);
  },
});
