/** A quoted string may hold escaped quotes (RFC 9110 section 5.6.4). Some APIs quote like JavaScript. */
const VALUE = /"(?:[^"\\]|\\.)*"|'[^']*'|[^\s";,]*/.source;
const LINK = new RegExp(`<([^>]*)>((?:\\s*;(?:\\s*[^\\s=;,]+(?:\\s*=\\s*(?:${VALUE}))?)?)*)`, 'g');
const PARAMETER = new RegExp(`;\\s*([^\\s=;,]+)(?:\\s*=\\s*(${VALUE}))?`, 'g');

/**
 * The target of `rel="next"` in a `Link` header (RFC 8288 section 3), as it stands there: perhaps relative. Throws where there is none, but something
 * that cannot be read: it may be the next link, and a listing must not end by it.
 */
export function nextLink(header = ''): string | undefined {
  for (const [, target, parameters = ''] of header.matchAll(LINK)) {
    for (const [, name, value = ''] of parameters.matchAll(PARAMETER)) {
      const relations = value
        .replace(/^["']|["']$/g, '')
        .toLowerCase()
        .split(/\s+/);
      if (name?.toLowerCase() === 'rel' && relations.includes('next')) return target;
    }
  }
  const [unread] = /[^\s,].*/.exec(header.replace(LINK, '')) ?? [];
  if (unread !== undefined)
    throw new Error(`a Link header cannot be read from ${JSON.stringify(unread.slice(0, 60))} on`);
  return undefined;
}
