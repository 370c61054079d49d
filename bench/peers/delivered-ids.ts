import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import type { Job } from './job.ts';
import type { PeerSystem } from './systems.ts';

/** The file names of each kind of results, below the folder of a job. */
const FILES: Readonly<Record<PeerSystem['results'], string>> = {
  lines: 'rows.ndjson.gz',
  loaded: 'loaded/bench/[!_]*/*.jsonl*',
  messages: 'stdout',
  receipts: 'delivered/**/parts/*.ndjson.gz',
};
const ID = /"id": ?("[^"]*"|[^,}]*)/;

/** The ids that a system delivered, as they are written, each as often as it came. Parents are left out where children were asked for. */
export function deliveredIds({ results }: Pick<PeerSystem, 'results'>, job: Job): string[] {
  return globSync(FILES[results], { cwd: job.out })
    .filter((file) => !(job.paging === 'parents' && file.includes('/parents/')))
    .flatMap((file) => idsIn(textOf(join(job.out, file)), job, results));
}

/** The ids in lines of records, or of messages whose type is RECORD. */
export function idsIn(text: string, { paging }: Pick<Job, 'paging'>, results: PeerSystem['results']): string[] {
  return text.split('\n').flatMap((line) => {
    if (results === 'messages' && !/"type": ?"RECORD"/.test(line)) return [];
    if (paging === 'parents' && /"stream": ?"parents"/.test(line)) return [];
    const id = ID.exec(line)?.[1];
    return id === undefined ? [] : [id.replaceAll('"', '')];
  });
}

/** A file that was cut off is read as far as it goes. */
function textOf(file: string): string {
  if (!existsSync(file)) return '';
  const bytes = readFileSync(file);
  if (bytes.length === 0 || !file.endsWith('.gz')) return bytes.toString();
  return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}
