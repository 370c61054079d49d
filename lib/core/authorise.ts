import type { Auth } from './auth.ts';
import type { Raw } from './exchange.ts';
import type { BuiltRequest } from './request.ts';

/**
 * Puts a secret into a request. `secret`: what {@link parseSecret} returned. The only place where a secret's value and a
 * request meet.
 */
export function authorise(request: BuiltRequest, auth: Auth<Raw, Raw>, secret: Raw): BuiltRequest {
  const headers = { ...request.headers, ...authHeaders(auth, secret) };
  return { ...request, headers };
}

function authHeaders(auth: Auth<Raw, Raw>, secret: Raw): Record<string, string> {
  switch (auth.kind) {
    case 'none':
      return {};
    case 'bearer':
      return { authorization: `Bearer ${secret.token}` };
    case 'basic':
      return { authorization: `Basic ${base64(`${secret.username}:${secret.password}`)}` };
    case 'apiKey':
      return { [auth.header.toLowerCase()]: secret.key };
    default:
      throw new Error(`Authorisation by ${auth.kind} does not work yet.`);
  }
}

/** Base64 of the text's UTF-8 bytes (RFC 7617 section 2.1). */
const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

export type ParsedSecret = { readonly secret: Raw } | { readonly problem: string };

/** Reads a secret as the secrets manager holds it: JSON of the fields that the connector's auth needs. Never quotes it. */
export function parseSecret(auth: Auth<Raw, Raw>, text: string | undefined): ParsedSecret {
  if (auth.kind === 'none') return { secret: undefined };
  if (text === undefined) return { problem: 'there is no such secret' };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const parsed = auth.secret.safeParse(json);
  if (parsed.success) return { secret: parsed.data };
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'the value itself');
  return { problem: `it lacks, or mistypes: ${[...new Set(fields)].join(', ')}` };
}
