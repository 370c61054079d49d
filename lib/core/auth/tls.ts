import * as z from 'zod';

const pem = z.string().regex(/-----BEGIN [A-Z0-9 ]+-----/, 'must be a PEM text');

/**
 * What a connection's secret may hold as `tls`, beside what its `auth` needs: the certificate of a private authority, and a client certificate with
 * its key. All are PEM texts.
 */
export const tlsSchema = z
  .strictObject({ ca: pem.optional(), cert: pem.optional(), key: pem.optional(), passphrase: z.string().optional() })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    path: ['key'],
    error: 'a client certificate needs its key',
  });

/** How a connection's requests set up TLS. */
export type TlsMaterial = z.output<typeof tlsSchema>;
