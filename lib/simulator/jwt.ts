import { constants, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import * as z from 'zod';
import type { AssertionAlgorithm } from '../core/auth/auth-scheme.ts';
import { SECOND } from '../core/time.ts';

/** A new private key for signed assertions (RFC 7518 section 3.1), as PEM. */
export function makeKey(alg: AssertionAlgorithm): string {
  const { privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const claims = z.object({ exp: z.number().optional() });

/** Whether a text is a JWT (RFC 7519) that was signed with this private key and has not expired at `now`, epoch milliseconds. */
export function isSignedBy(privateKey: unknown, alg: AssertionAlgorithm, text: string, now: number): boolean {
  const [header = '', payload = '', signature = ''] = text.split('.');
  const key = createPublicKey(String(privateKey));
  const how = { RS256: {}, PS256: PSS, ES256: { dsaEncoding: 'ieee-p1363' as const } }[alg];
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify('sha256', signed, { key, ...how }, Buffer.from(signature, 'base64url'))) return false;
  const { exp } = claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
  return exp === undefined || exp * SECOND > now;
}

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
