import { UsageError } from './usage-error.ts';

/** What can go wrong between an operator and AWS, by the name or the message of the SDK's error, and what to do about it. */
const EXPLANATIONS: readonly { readonly is: RegExp; readonly says: string }[] = [
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
  const known = EXPLANATIONS.find(({ is }) => is.test(said) || is.test(error.message));
  if (known !== undefined) return new UsageError(known.says);
  if (/AccessDenied|not authorized to perform/.test(said))
    return new UsageError(`AWS does not allow it: ${error.message.replace(/\s+/g, ' ')}`);
  return /^(TimeoutError|NetworkingError)|ENOTFOUND|ECONNREFUSED|EAI_AGAIN/.test(said)
    ? new UsageError(`AWS cannot be reached from here: ${error.message}`)
    : error;
}
