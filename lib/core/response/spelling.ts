/** A secret, to be found in a text however it is spelled there. */
export type Spelling = {
  /** Its characters, each with the other ways in which it may be written, in lower case. */
  readonly characters: readonly { readonly plain: string; readonly others: readonly string[] }[];
  /** So many of its first characters give it away. */
  readonly enough: number;
};

/** A beginning that is shorter is no secret: `sk_live_`. */
const SHORTEST_BEGINNING = 8;
/** A beginning that is longer always is one. */
const LONGEST_BEGINNING = 12;

export function spellingOf(secret: string): Spelling {
  const characters = [...secret].map((plain) => ({ plain, others: otherSpellings(plain) }));
  const half = Math.min(LONGEST_BEGINNING, Math.ceil(characters.length / 2));
  return { characters, enough: Math.min(characters.length, Math.max(SHORTEST_BEGINNING, half)) };
}

/** What another spelling of a character begins with: in a URL, a form, JSON, HTML. */
const BEGINNINGS = '%+\\&';
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Percent-encoded (RFC 3986 section 2.1), of a form, escaped for JSON (RFC 8259 section 7), and for HTML. */
function otherSpellings(character: string): string[] {
  const bytes = [...new TextEncoder().encode(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`);
  const units = character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const code = character.codePointAt(0) ?? 0;
  const escaped = JSON.stringify(character).slice(1, -1);
  return [
    bytes.join(''),
    units.join(''),
    `&#${code};`,
    `&#x${code.toString(16)};`,
    ...(escaped === character ? [] : [escaped.toLowerCase()]),
    ...(character === '/' ? ['\\/'] : []),
    ...(character === ' ' ? ['+'] : []),
    ...(ENTITIES[character] === undefined ? [] : [ENTITIES[character]]),
  ];
}

/**
 * Takes a secret out of a text, in any spelling and any mixture of them, whole or cut off after {@link Spelling.enough} characters.
 */
export function withoutSpelling(text: string, { characters, enough }: Spelling, instead: string): string {
  const kept: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    let end = at;
    let matched = 0;
    for (const character of characters) {
      const length = lengthAt(text, end, character);
      if (length === 0) break;
      end += length;
      matched += 1;
    }
    if (matched < enough) continue;
    kept.push(text.slice(from, at), instead);
    from = end;
    at = end - 1;
  }
  return kept.length === 0 ? text : kept.join('') + text.slice(from);
}

/** How long a character is as it is spelled at a place; 0: it is not there. */
function lengthAt(text: string, at: number, { plain, others }: Spelling['characters'][number]): number {
  const first = text.charAt(at);
  if (first !== '' && BEGINNINGS.includes(first)) {
    const other = others.find((each) => text.slice(at, at + each.length).toLowerCase() === each);
    if (other !== undefined) return other.length;
  }
  return text.startsWith(plain, at) ? plain.length : 0;
}
