import type { BodyReader } from '../core/response/body.ts';
import { parseJson, writeJson } from '../core/response/json.ts';
import { cutRows } from './cut-rows.ts';
import { listOf } from './list-of.ts';

/**
 * JSON lines (https://jsonlines.org, application/x-ndjson): one JSON value a line, blank lines apart. The body is the list of them. A body that
 * breaks off in a line cannot be read; an empty one is an empty list.
 */
export const jsonLines = (): BodyReader =>
  Object.assign(readLines, {
    write: (body: unknown) =>
      listOf(body)
        .map((value) => `${writeJson(value)}\n`)
        .join(''),
    cut: (bytes: Uint8Array, from: number) => cutRows(bytes, from, { quoted: false, header: false }),
  });

const readLines = (body: string): unknown[] =>
  body.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = parseJson(line);
    if (typeof parsed === 'string') throw new Error(`line ${index + 1} is ${parsed}`);
    const [twice] = parsed.ambiguous.values();
    if (twice !== undefined) throw new Error(`line ${index + 1} has ${JSON.stringify(twice)} more than once`);
    return [parsed.value];
  });
