import type { HashName, SignRequest } from './signing.ts';

/** How OAuth 1.0 signs (RFC 5849 section 3.4; HMAC-SHA256 is what NetSuite and others add). */
export type OAuth1Method = 'HMAC-SHA1' | 'HMAC-SHA256' | 'PLAINTEXT';

const HASHES: Readonly<Record<Exclude<OAuth1Method, 'PLAINTEXT'>, HashName>> = {
  'HMAC-SHA1': 'sha1',
  'HMAC-SHA256': 'sha256',
};

/**
 * The `Authorization` header of OAuth 1.0 (RFC 5849 sections 3.1 and 3.5.1). The secret: `consumerKey`, `consumerSecret`, and, where a person
 * consented, `token`, `tokenSecret`; `realm` is optional.
 */
export const oauth1Signer =
  (method: OAuth1Method): SignRequest =>
  ({ method: verb, url, body, headers }, { secret, time, nonce, hmac }) => {
    const { consumerKey, consumerSecret, token, tokenSecret = '', realm } = secret;
    const protocol: [string, string][] = [
      ['oauth_consumer_key', consumerKey],
      ...(token === undefined ? [] : [['oauth_token', token] satisfies [string, string]]),
      ['oauth_signature_method', method],
      ['oauth_timestamp', time.seconds],
      ['oauth_nonce', nonce],
    ];
    const key = `${encode(consumerSecret)}&${encode(tokenSecret)}`;
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
    const sent = [...protocol, ...(isForm ? new URLSearchParams(body) : [])];
    const signature =
      method === 'PLAINTEXT' ? key : hmac(HASHES[method], key, signatureBase(verb, url, sent), 'base64');
    const fields = [...protocol, ['oauth_signature', signature]].map(([name = '', value = '']) => [
      name,
      encode(value),
    ]);
    const quoted = [...(realm === undefined ? [] : [['realm', realm]]), ...fields];
    return { headers: { authorization: `OAuth ${quoted.map(([name, value]) => `${name}="${value}"`).join(', ')}` } };
  };

/** The signature base string (RFC 5849 section 3.4.1). `parameters`: those that stand outside of the URL. */
export function signatureBase(
  method: string,
  href: string,
  parameters: Iterable<readonly [name: string, value: string]>,
): string {
  const url = new URL(href);
  const sorted = [...url.searchParams, ...parameters]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`);
  return [method.toUpperCase(), `${url.origin}${url.pathname}`, sorted.join('&')].map(encode).join('&');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Percent-encoding as RFC 5849 section 3.6 has it: everything but unreserved characters. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
