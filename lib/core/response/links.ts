/** Each of these matches where it is put, so that every character of a header is read once. */
const TARGET = /<([^<>]*)>/y;
const NAME = /[^\s=;,]*/y;
/** A quoted string may hold escaped quotes (RFC 9110 section 5.6.4). Some APIs quote like JavaScript. */
const VALUE = /"(?:[^"\\]|\\.)*"|'[^']*'|[^\s";,]*/y;
const SPACE = /\s*/y;
const BETWEEN = /[\s,]*/y;

/**
 * The target of `rel="next"` in a `Link` header (RFC 8288 section 3), as sent; it may be relative. Throws if there is none but a part of the
 * header cannot be read: that part may be the next link, and a listing must not end by it. A link with `results="false"` leads to nothing (Sentry's API).
 */
export function nextLink(header = ''): string | undefined {
  let unread: string | undefined;
  for (let at = 0; at < header.length; ) {
    at = endAt(BETWEEN, header, at) ?? at;
    if (at >= header.length) break;
    const link = readLink(header, at);
    if (link?.isNext === true) return link.target;
    const end = link?.end ?? at;
    if (link === undefined || (end < header.length && header[end] !== ',')) {
      unread ??= header.slice(end, end + 60);
      const next = header.indexOf('<', end + 1);
      at = next < 0 ? header.length : next;
    } else at = end;
  }
  if (unread !== undefined) throw new Error(`a Link header cannot be read from ${JSON.stringify(unread)} on`);
  return undefined;
}

type Link = { readonly target: string; readonly isNext: boolean; readonly end: number };

/** The link that begins at a place, with its parameters, as far as they can be read. */
function readLink(header: string, start: number): Link | undefined {
  const opened = endAt(TARGET, header, start);
  if (opened === undefined) return undefined;
  let end = afterSpace(header, opened);
  let isNext = false;
  let isEmpty = false;
  while (header[end] === ';') {
    const name = afterSpace(header, end + 1);
    const named = endAt(NAME, header, name) ?? name;
    end = afterSpace(header, named);
    if (header[end] !== '=') continue;
    const value = afterSpace(header, end + 1);
    const valued = endAt(VALUE, header, value) ?? value;
    end = afterSpace(header, valued);
    const parameter = header.slice(name, named).toLowerCase();
    const values = relationsOf(header.slice(value, valued));
    isNext ||= parameter === 'rel' && values.includes('next');
    isEmpty ||= parameter === 'results' && values[0] === 'false';
  }
  return { target: header.slice(start + 1, opened - 1), isNext: isNext && !isEmpty, end };
}

const relationsOf = (value: string): string[] =>
  value
    .replace(/^["']|["']$/g, '')
    .toLowerCase()
    .split(/\s+/);

const afterSpace = (text: string, at: number): number => endAt(SPACE, text, at) ?? at;

/** Where a match ends that begins at a place. */
function endAt(expression: RegExp, text: string, at: number): number | undefined {
  expression.lastIndex = at;
  return expression.test(text) ? expression.lastIndex : undefined;
}
