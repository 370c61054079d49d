import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { SystemName } from './systems.ts';

const LONGEST = 400;
const ROOT = join(import.meta.dirname, '../..');

/** What a run tells its user of trouble, in its own words: the first such sentence, cut to 400 characters. Empty where it tells of none. */
export function toldUser(system: SystemName, streams: { readonly stdout: string; readonly stderr: string }): string {
  const [stdout, stderr] = [readFileSync(streams.stdout, 'utf8'), readFileSync(streams.stderr, 'utf8')];
  const said = system === 'headgate' ? receiptWords(stdout, stderr) : system === 'airbyte' ? traceWords(stdout) : '';
  return shorten(said || lastWords(stderr));
}

/** The verdict of a receipt and what follows it, without paths and counts; else the last line of the progress. */
function receiptWords(stdout: string, stderr: string): string {
  const lines = stdout.split('\n').filter((line) => line !== '' && !/^ {2}(records|manifest|receipt) /.test(line));
  return lines.length > 0 ? lines.map((line) => line.trim()).join(' · ') : (stderr.trim().split('\n').at(-1) ?? '');
}

/** The first error trace of the Airbyte protocol, else its first log line of WARN or above. */
function traceWords(stdout: string): string {
  const messages = stdout.split('\n').filter((line) => /"type":"(TRACE|LOG)"/.test(line));
  const trace = messages.find((line) => line.includes('"type":"ERROR"'));
  const log = messages.find((line) => /"level":"(WARN|ERROR|FATAL)"/.test(line));
  const [, message = ''] = /"message":"((?:[^"\\]|\\.)*)"/.exec(trace ?? log ?? '') ?? [];
  return message.replaceAll('\\n', ' ').replaceAll('\\"', '"');
}

/** The last exception with all of its message, else the first line that is a warning or an error. */
function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const thrown = lines.findLastIndex((line) => /^([a-z_]+\.)*\w*(Error|Exception|Failed|Exit)\w*: /.test(line));
  if (thrown !== -1)
    return lines
      .slice(thrown)
      .filter((line) => !/^ +at |^Node\.js v/.test(line))
      .join(' ');
  return lines.find((line) => /\b(WARN|WARNING|ERROR|CRITICAL)\b/.test(line)) ?? '';
}

/** Without colours, ports and folders of this run. */
function shorten(text: string): string {
  const plain = stripVTControlCharacters(text)
    .replaceAll(/(127\.0\.0\.1|localhost):\d+/g, '$1')
    .replaceAll(/\/tmp\/headgate-peers-\w+/g, '…')
    .replaceAll(ROOT, '…')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST)}…` : plain;
}
