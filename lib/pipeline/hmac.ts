import { createHmac } from 'node:crypto';
import type { Signing } from '../core/authorise.ts';

/** HMAC (RFC 2104) of a text's UTF-8 bytes. */
export const hmac: Signing['hmac'] = (hash, key, text, encoding) =>
  createHmac(hash, key).update(text, 'utf8').digest(encoding);
