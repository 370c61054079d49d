import { StateFolderError } from '../../lib/local/state-folder-error.ts';

/** Something the user can mend. The message is one sentence that names the value and the mend; nothing was started. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** What can go wrong between an operator and AWS, by the name or the message of the SDK's error, and what to do about it. */
const AWS_ERRORS: readonly { readonly is: RegExp; readonly says: string }[] = [
  {
    is: /^CredentialsProviderError|Could not load credentials/,
    says: 'There are no AWS credentials. Set AWS_PROFILE, or log in with: aws sso login',
  },
  {
    is: /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired)\b|token (is|has) expired/i,
    says: 'The AWS credentials have expired. Log in again, for example with: aws sso login',
  },
  {
    is: /^(UnrecognizedClientException|InvalidClientTokenId|SignatureDoesNotMatch|AuthFailure|InvalidSignatureException)\b/,
    says: 'AWS does not know these credentials. Look at AWS_PROFILE, AWS_ACCESS_KEY_ID and the clock of this machine.',
  },
  { is: /Region is missing/, says: 'There is no AWS region. Set AWS_REGION, or give the profile one.' },
];

/** A {@link UsageError} for what an operator can mend; any other error as it is. */
export function explainAws(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof UsageError) return error;
  const said = `${error.name}: ${error.message}`;
  const known = AWS_ERRORS.find(({ is }) => is.test(said) || is.test(error.message));
  if (known !== undefined) return new UsageError(known.says);
  if (/AccessDenied|not authorized to perform/.test(said))
    return new UsageError(`AWS does not allow it: ${error.message.replace(/\s+/g, ' ')}`);
  return /^(TimeoutError|NetworkingError)|ENOTFOUND|ECONNREFUSED|EAI_AGAIN/.test(said)
    ? new UsageError(`AWS cannot be reached from here: ${error.message}`)
    : error;
}

/** What the operating system refuses, by its code (https://nodejs.org/api/errors.html#common-system-errors), and what to do about it. */
const SYSTEM_ERRORS: Readonly<Record<string, (place: string) => string>> = {
  ENOSPC: (place) => `The disk of ${place} is full. Make room, and run the same command again.`,
  EDQUOT: (place) => `The quota of the disk of ${place} is used up. Make room, and run the same command again.`,
  EFBIG: (place) =>
    `A file of ${place} is larger than it may be. Raise the limit (ulimit -f), and run the same command again.`,
  EIO: (place) => `The disk of ${place} fails. Give another path, on another disk.`,
  EACCES: (place) => `This user may not read or write ${place}. Give another path, or the rights.`,
  EPERM: (place) => `This user may not read or write ${place}. Give another path, or the rights.`,
  EROFS: (place) => `The disk of ${place} is read-only. Give another path.`,
  ENOENT: (place) => `The folder of ${place} is not there. Make it, or give another path.`,
  ENOTDIR: (place) => `A file stands where a folder must be: ${place}. Give another path.`,
  EEXIST: (place) => `A file stands where a folder must be: ${place}. Give another path.`,
  EISDIR: (place) => `A folder stands where a file must be: ${place}. Give another path.`,
  EMFILE: () => 'Too many files are open. Raise the limit (ulimit -n), and run the same command again.',
};

/** A {@link UsageError} for what the user can mend on this machine; any other error as it is. */
export function explainError(error: unknown): unknown {
  if (error instanceof StateFolderError) return new UsageError(error.message);
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error;
  if (error.code === 'EADDRINUSE' && 'port' in error)
    return new UsageError(`The port ${error.port} is in use. Give another one with --port.`);
  const explain = Object.hasOwn(SYSTEM_ERRORS, String(error.code)) ? SYSTEM_ERRORS[String(error.code)] : undefined;
  if (explain === undefined) return error;
  return new UsageError(explain('path' in error && typeof error.path === 'string' ? `"${error.path}"` : 'this run'));
}
