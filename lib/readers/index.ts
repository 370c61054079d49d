/** Readers of bodies that are no JSON, for `read` of a stream. A connector that imports none of them carries none of their parsers. */
export { csv } from './csv.ts';
export { jsonLines } from './json-lines.ts';
export { text } from './text.ts';
export { xml } from './xml.ts';
