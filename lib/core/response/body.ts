import type { Raw } from '../exchange.ts';
import { parseJson } from './json.ts';

/** The JSON of a body; or its text, and why it is not JSON. */
export type ReadBody =
  | { readonly body: Raw; readonly ambiguous: ReadonlyMap<object, string> }
  | {
      readonly code: 'empty-body' | 'html' | 'unreadable' | 'too-deep' | 'too-large';
      readonly complaint: string;
      readonly text: string;
    };

/**
 * Reads a body as JSON, whatever its content type says: many APIs mislabel it, and a body that parses is what it is. JSON is UTF-8 (RFC 8259 section
 * 8.1), so that is tried first, with or without a byte order mark; only then what the mark or the declared charset says.
 */
export function readBody(bytes: Uint8Array, contentType = ''): ReadBody {
  let first: ReadBody | undefined;
  for (const charset of charsets(bytes, contentType)) {
    const text = decode(bytes, charset);
    if (text === undefined) continue;
    const read = readText(text, contentType);
    if ('body' in read) return read;
    first ??= read;
  }
  return first ?? { code: 'unreadable', complaint: 'the body is no text in UTF-8', text: '' };
}

/** A title stands at the beginning of a page, in so many characters. */
const HEAD = 4_096;
const TITLE = /<title[^<>]*>\s*([^<]{1,60})/i;

function readText(text: string, contentType: string): ReadBody {
  if (text.trim() === '') return { code: 'empty-body', complaint: 'the body is empty', text };
  const parsed = parseJson(text);
  if (parsed === 'too deep') return { code: 'too-deep', complaint: 'its JSON is nested too deeply', text };
  if (parsed === 'too large')
    return { code: 'too-large', complaint: 'its JSON would take more memory than a worker has', text };
  if (parsed !== 'no JSON') return { body: parsed.value, ambiguous: parsed.ambiguous };
  if (/^\s*<(!doctype html|html|head|body)\b/i.test(text) || /^text\/html\b/i.test(contentType)) {
    const [, title] = TITLE.exec(text.slice(0, HEAD)) ?? [];
    const named = title === undefined ? '' : `, titled ${JSON.stringify(title.trim())}`;
    return { code: 'html', complaint: `an HTML page came where JSON should be${named}`, text };
  }
  return {
    code: 'unreadable',
    complaint: `the body is not JSON; it begins ${JSON.stringify(text.slice(0, 60))}`,
    text,
  };
}

/** UTF-8; UTF-16 if its mark is there; what the content type declares. */
function* charsets([first, second]: Uint8Array, contentType: string): Generator<string> {
  yield 'utf-8';
  if (first === 0xff && second === 0xfe) yield 'utf-16le';
  if (first === 0xfe && second === 0xff) yield 'utf-16be';
  const [, declared] = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType) ?? [];
  if (declared !== undefined) yield declared;
}

function decode(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
