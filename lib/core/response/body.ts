import type { Raw } from '../exchange.ts';
import { parseJson } from './json.ts';
import { findJsonBreak } from './json-break.ts';

/** Makes a value of a body's text, which is what `records`, `total` and `next` see. Throws on what it cannot read, in half a sentence. */
export type BodyReader = {
  (text: string): Raw;
  /** The other way round, for an API that is simulated. */
  readonly write?: (body: unknown) => string;
  /**
   * A portion of a body that is too large to be read at once: a body of its own, about {@link PORTION_BYTES} long, that begins at the byte `from`, and where the
   * next one begins; `undefined`: nowhere.
   */
  readonly cut?: (bytes: Uint8Array, from: number) => BodyPortion;
};
export type BodyPortion = { readonly body: Uint8Array; readonly next: number | undefined };

/** How much of a body is read at once, where its reader can cut it. */
export const PORTION_BYTES = 4 * 1024 * 1024;

/** The JSON of a body, or what its reader made of it; or its text, and why it is none. */
export type ReadBody =
  | { readonly body: Raw; readonly ambiguous: ReadonlyMap<object, string> }
  | {
      readonly code: 'empty-body' | 'html' | 'unreadable' | 'too-deep' | 'too-large';
      readonly complaint: string;
      readonly text: string;
    };

/**
 * Reads a body as JSON, whatever its content type says: many APIs mislabel it, and a body that parses is what it is. JSON is UTF-8 (RFC 8259 section
 * 8.1), so that is tried first, with or without a byte order mark; only then what the mark or the declared charset says. `reader`: for what is no JSON.
 */
export function readBody(bytes: Uint8Array, contentType = '', reader?: BodyReader): ReadBody {
  let first: ReadBody | undefined;
  for (const charset of charsets(bytes, contentType)) {
    const text = decode(bytes, charset);
    if (text === undefined) continue;
    const read = reader === undefined ? readText(text, contentType) : readWith(reader, text);
    if ('body' in read) return read;
    first ??= read;
  }
  return first ?? { code: 'unreadable', complaint: 'the body is no text in UTF-8', text: '' };
}

function readWith(reader: BodyReader, text: string): ReadBody {
  if (isHtml(text)) return htmlPage(text, 'something else');
  try {
    return { body: reader(text), ambiguous: new Map() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { code: 'unreadable', complaint: `the body cannot be read: ${why.slice(0, 300)}`, text };
  }
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
  if (isHtml(text) || /^text\/html\b/i.test(contentType)) return htmlPage(text, 'JSON');
  return { code: 'unreadable', complaint: `the body is not JSON; ${describeBreak(text)}`, text };
}

const isHtml = (text: string): boolean => /^\s*<(!doctype html|html|head|body)\b/i.test(text);

function htmlPage(text: string, expected: string): ReadBody {
  const [, title] = TITLE.exec(text.slice(0, HEAD)) ?? [];
  const named = title === undefined ? '' : `, titled ${JSON.stringify(title.trim())}`;
  return { code: 'html', complaint: `an HTML page came where ${expected} should be${named}`, text };
}

/** How much of a text is quoted. */
const QUOTED = 60;

/** Where JSON breaks in the middle, with what stands before that place; of anything else, how it begins. */
function describeBreak(text: string): string {
  if (!/^\s*[[{]/.test(text)) return `it begins ${JSON.stringify(text.slice(0, QUOTED))}`;
  const at = findJsonBreak(text);
  if (at === undefined) return `it breaks somewhere after ${JSON.stringify(text.slice(0, QUOTED))}`;
  const before = text.slice(0, at);
  const [line, column] = [before.split('\n').length, at - before.lastIndexOf('\n')];
  const how = at >= text.length ? 'it ends too soon' : 'it breaks';
  return `${how}, at line ${line}, column ${column}, after ${JSON.stringify(before.slice(-QUOTED))}`;
}

/** UTF-8; UTF-16 if its mark is there; what the content type declares. */
function* charsets([first, second]: Uint8Array, contentType = ''): Generator<string> {
  yield 'utf-8';
  if (first === 0xff && second === 0xfe) yield 'utf-16le';
  if (first === 0xfe && second === 0xff) yield 'utf-16be';
  const [, declared] = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType) ?? [];
  if (declared !== undefined) yield declared;
}

/** Cuts a portion out of a large body. Where two bytes make a character, no byte tells where a row ends: such a body is read at once. */
export function cutBody(
  { cut }: BodyReader,
  { body, headers }: { readonly body: Uint8Array; readonly headers: Readonly<Record<string, string>> },
  from: number,
): BodyPortion {
  const isWide = [...charsets(body, headers['content-type'])].some((each) => /utf-?16/i.test(each));
  if (cut === undefined || isWide || (from === 0 && body.length <= PORTION_BYTES)) return { body, next: undefined };
  return cut(body, from);
}

function decode(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
