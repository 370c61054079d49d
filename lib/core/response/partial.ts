import type { Reply } from '../exchange.ts';
import { readContentRange } from './content-range.ts';
import { envelopeFields, isPlainObject } from './envelope.ts';

/**
 * Names of fields that are true where a search gave up before it had looked everywhere: GitHub's `incomplete_results`, Elasticsearch's `timed_out` and
 * `terminated_early`, Solr's `partialResults`.
 */
const PARTIAL = /^(incomplete(_?results)?|timed_?out|terminated_?early|(is_?)?partial(_?(results?|response|data))?)$/i;

/**
 * By what a response says that it is not the whole of what was asked for; `undefined` if it does not. `whole`: the response should be the whole
 * listing. A page of a listing may well answer 206: its range then tells the page.
 */
export function saysPartial(reply: Reply, records: readonly unknown[], whole: boolean): string | undefined {
  const range = readContentRange(reply.header('content-range'));
  if (range !== undefined) {
    const told = range.to - range.from + 1;
    if (told > records.length) return `Content-Range tells ${told} records, ${records.length} came`;
    if (whole && (range.from > 0 || range.of === undefined || range.to + 1 < range.of))
      return `Content-Range: ${reply.header('content-range')}`;
  } else if (reply.status === 206) return 'status 206';
  for (const { path, name, value } of envelopeFields(reply.body, records)) {
    if (value === true && PARTIAL.test(name)) return path;
    // Elasticsearch answers 200 when some of its shards failed.
    if (name === '_shards' && isPlainObject(value) && typeof value.failed === 'number' && value.failed > 0)
      return `${path}.failed`;
  }
  return undefined;
}
