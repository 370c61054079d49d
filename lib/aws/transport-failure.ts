import type { TransportFailure } from '../pipeline/ports.ts';
import { TOO_LARGE } from './body.ts';

type Kind = TransportFailure['failed'];

/** What is known of a request without a usable answer. `connected`: whether it had a connection to leave by. */
export type Circumstances = {
  readonly host: string;
  readonly deadline: number;
  readonly bound: number;
  readonly expired: boolean;
  readonly connected: boolean;
  /** Whether the connection is by TLS. */
  readonly secure: boolean;
  /** Whether the connection was there, and not one byte came over it. */
  readonly unanswered: boolean;
};

/** What Node calls a certificate that no authority it trusts vouches for, or for another name or time (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const CERTIFICATE =
  /^(ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|INVALID_CA|HOSTNAME_MISMATCH)/;

/** What OpenSSL says of a certificate or key that it cannot read, and how a server refuses the certificate it is shown or misses (RFC 8446 section 6.2). */
const OWN_CERTIFICATE = /^ERR_(OSSL_|CRYPTO_)/;
const isAlert = (code: string): boolean => code.startsWith('ERR_SSL_') && code.includes('ALERT');

/** The message, half a sentence, names the host and the error's code and nothing else: a path, a query or an error's own text may hold a secret. */
export function transportFailure(error: unknown, circumstances: Circumstances): TransportFailure {
  const code = codeOf(error);
  const failed = kindOf(code, circumstances);
  const { secure, unanswered } = circumstances;
  const hint = failed === 'broken' && secure && unanswered ? CERTIFICATE_HINT : '';
  return { failed, message: `${sentence(failed, code, circumstances)}${hint}` };
}

function kindOf(code: string, { expired, connected }: Circumstances): Kind {
  if (expired) return 'timeout';
  if (CERTIFICATE.test(code) || OWN_CERTIFICATE.test(code) || isAlert(code)) return 'untrusted';
  if (!connected) return 'unreachable';
  return code === TOO_LARGE ? 'too-large' : 'broken';
}

function sentence(failed: Kind, code: string, { host, deadline, bound }: Circumstances): string {
  switch (failed) {
    case 'unreachable':
      return `no request could be sent to ${host} (${code})`;
    case 'untrusted':
      if (code.endsWith('_CERTIFICATE_REQUIRED')) return `${host} wants a client certificate (${code})`;
      if (isAlert(code)) return `${host} does not take the client certificate of this connection (${code})`;
      if (OWN_CERTIFICATE.test(code)) return `the certificates in the secret's "tls" cannot be read (${code})`;
      return `the certificate of ${host} cannot be trusted (${code})`;
    case 'timeout':
      return `no complete answer came from ${host} within ${deadline} ms`;
    case 'broken':
      return `the answer from ${host} cannot be read to its end (${code})`;
    case 'too-large':
      return `the body from ${host} is larger than ${bound} bytes`;
  }
}

/** Servers close so where they miss a client certificate, and say nothing (TLS 1.3 tells it after the handshake). */
const CERTIFICATE_HINT = '; it closed without a word, as servers do that want a client certificate';

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no code';
