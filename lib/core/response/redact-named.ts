/** What stands where something was taken out. */
export const REDACTED = '[redacted]';

/** How a text gives a name its value. */
type Notation = {
  /** The character between name and value. */
  readonly sign: string;
  /** The name that ends before a place; `undefined` if none does. */
  readonly nameBefore: (text: string, end: number) => string | undefined;
  /** Matches a value where it is put. */
  readonly value: RegExp;
  readonly instead: string;
};

/** `"name": value` as in JSON, whole or torn. */
const FIELD: Notation = {
  sign: ':',
  nameBefore: quotedBefore,
  value: /\s*(?:"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|[^\s,{}[\]"][^\s,{}[\]]*)/y,
  instead: `"${REDACTED}"`,
};
/** `name=value` as in a form. */
const PARAMETER: Notation = { sign: '=', nameBefore: wordBefore, value: /[^&\s"'<>;]+/y, instead: REDACTED };

/**
 * A text without the values of some names. The sign is searched first, and the name is read backwards from it: the time is linear in the length of
 * the text, whatever it holds.
 */
export const redactNamed = (text: string, hide: (name: string) => boolean): string =>
  redactIn(redactIn(text, FIELD, hide), PARAMETER, hide);

function redactIn(
  text: string,
  { sign, nameBefore, value, instead }: Notation,
  hide: (name: string) => boolean,
): string {
  const kept: string[] = [];
  let from = 0;
  for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, Math.max(from, at + 1))) {
    const name = nameBefore(text, at);
    if (name === undefined || !hide(name)) continue;
    value.lastIndex = at + 1;
    if (!value.test(text)) continue;
    kept.push(text.slice(from, at + 1), instead);
    from = value.lastIndex;
  }
  return kept.length === 0 ? text : kept.join('') + text.slice(from);
}

/** A longer name is not looked at. */
const LONGEST_NAME = 100;

function quotedBefore(text: string, end: number): string | undefined {
  let close = end - 1;
  while (close >= 0 && /\s/.test(text.charAt(close))) close--;
  if (text[close] !== '"') return undefined;
  for (let open = close - 1; open >= 0 && open > close - 2 - LONGEST_NAME; open--)
    if (text[open] === '"' && text[open - 1] !== '\\') return text.slice(open + 1, close);
  return undefined;
}

function wordBefore(text: string, end: number): string | undefined {
  let start = end;
  while (start > 0 && end - start <= LONGEST_NAME && /[\w.-]/.test(text.charAt(start - 1))) start--;
  return start === end ? undefined : text.slice(start, end);
}
