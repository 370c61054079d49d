import type { Raw } from '../exchange.ts';
import { endOfString, type JsonSize, sizeOfJson } from './json-size.ts';

/**
 * JSON without loss: an integer that no double can hold (`Number.isSafeInteger`) is read as a `bigint`, and written with the same digits.
 * Every other number is the nearest double, as in every reader of JSON.
 */

/** Real responses are not deeper: each level costs a stack frame to walk. */
const DEEPEST = 200;

export type ParsedJson = {
  readonly value: Raw;
  /** The objects in which a name stands more than once, each with one such name. Of its values only the last is read. */
  readonly ambiguous: ReadonlyMap<object, string>;
};

/**
 * Bytes that a parsed text may take, as {@link sizeOfJson} estimates them: with the program and the text it was decoded from it fits into a
 * function of 512 MB. Records of a page of 20 MB do.
 */
const MOST_BYTES = 240_000_000;

/** Reads JSON (RFC 8259), or says why it cannot be taken for any. What would not fit into memory is not parsed. */
export function parseJson(text: string): ParsedJson | 'no JSON' | 'too deep' | 'too large' {
  const size = sizeOfJson(text);
  if (size.bytes > MOST_BYTES) return 'too large';
  const parsed = read(text, size);
  if (parsed === undefined) return 'no JSON';
  const names = countNames(parsed.value, DEEPEST);
  if (names === undefined) return 'too deep';
  const ambiguous = names === size.names ? new Map<object, string>() : findAmbiguous(text, parsed.value);
  return { value: parsed.value, ambiguous };
}

/** Reads JSON that was written by {@link writeJson}. */
export const readJson = (text: string): Raw => read(text, sizeOfJson(text))?.value;

/** Writes a value as JSON. `undefined` for what JSON has no word for. */
export function writeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Only a bigint is worth a second try: for the rest the slow way ends the same.
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? JSON.rawJSON(String(each)) : each));
  }
}

/** Longer than any integer that is meant as one, and short enough to be read at once. */
const LONGEST_INTEGER = 40;

/** Reading with a reviver is slow, so what has no long number is read without. */
function read(text: string, { hasLongNumbers }: JsonSize): { readonly value: Raw } | undefined {
  try {
    return { value: hasLongNumbers ? JSON.parse(text, exactly) : JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function exactly(_: string, value: unknown, { source = '' }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  if (!Number.isFinite(value)) throw new RangeError(`No double is as large as ${source.slice(0, LONGEST_INTEGER)}.`);
  return source.length <= LONGEST_INTEGER && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** How many names the objects of a value have, in all; `undefined`: it is deeper than that. */
function countNames(value: unknown, depth: number): number | undefined {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === 0) return undefined;
  const inside = Array.isArray(value) ? value : Object.values(value);
  let count = inside === value ? 0 : inside.length;
  for (const each of inside) {
    if (typeof each !== 'object' || each === null) continue;
    const below = countNames(each, depth - 1);
    if (below === undefined) return undefined;
    count += below;
  }
  return count;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

type Frame = {
  readonly names: Set<string> | undefined;
  readonly step: string | number | undefined;
  name: string;
  index: number;
};

/** Finds the objects in which a name stands more than once. The text is valid JSON; this is the slow way, for when there are some. */
function findAmbiguous(text: string, value: unknown): Map<object, string> {
  const found = new Map<object, string>();
  const frames: Frame[] = [];
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const top = frames.at(-1);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      let next = end;
      while (isSpace(text.charCodeAt(next))) next++;
      if (text.charCodeAt(next) === COLON && top?.names !== undefined) {
        top.name = JSON.parse(text.slice(at, end));
        const object = top.names.has(top.name) ? resolve(value, frames) : undefined;
        if (object !== undefined) found.set(object, top.name);
        top.names.add(top.name);
      }
      at = end;
      continue;
    }
    const step = top?.names === undefined ? top?.index : top.name;
    if (text[at] === '{') frames.push({ names: new Set(), step, name: '', index: 0 });
    else if (text[at] === '[') frames.push({ names: undefined, step, name: '', index: 0 });
    else if (text[at] === '}' || text[at] === ']') frames.pop();
    else if (text[at] === ',' && top?.names === undefined && top !== undefined) top.index += 1;
    at++;
  }
  return found;
}

/** The object at a place; where a later one of the same name took its place, that one. */
function resolve(value: unknown, frames: readonly Frame[]): object | undefined {
  let here = value;
  for (const { step } of frames.slice(1)) {
    if (typeof here !== 'object' || here === null || step === undefined) return undefined;
    here = Reflect.get(here, step);
  }
  return typeof here === 'object' && here !== null ? here : undefined;
}
