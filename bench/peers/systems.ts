import { join } from 'node:path';
import { type PeerPackage, peerPython, peerVersion } from './install-peers.ts';
import type { Job, PagingKind } from './job.ts';

export type SystemName = 'headgate' | 'loop' | 'dlt client' | 'dlt pipeline' | 'dlt tuned' | 'singer' | 'airbyte';

export type PeerSystem = {
  readonly name: SystemName;
  /** Name and version, as the document has them. */
  readonly title: string;
  /** How it is set up, in one sentence. */
  readonly setup: string;
  /** The command of a job that stands in `file`. Resolves only when it can run. */
  readonly command: (job: Job, file: string) => Promise<readonly string[]>;
  /** Where the delivered records are. */
  readonly results: 'lines' | 'loaded' | 'messages' | 'receipts';
};

const here = (file: string): string => join(import.meta.dirname, file);

function python(
  name: SystemName,
  pack: PeerPackage,
  [file, ...flags]: readonly [string, ...string[]],
  results: PeerSystem['results'],
  setup: string,
): PeerSystem {
  const command: PeerSystem['command'] = async (_job, path) => [await peerPython(pack), here(file), path, ...flags];
  return { name, title: `${pack} ${peerVersion(pack)}`, setup, command, results };
}

/** Those that are compared, Headgate first. */
export const peerSystems: readonly PeerSystem[] = [
  {
    name: 'headgate',
    title: 'Headgate',
    setup:
      '`headgate run` on the embedded stack, as it comes; a connector of 60 lines that declares `total` and `next`.',
    command: async (job) => headgateCommand(job),
    results: 'receipts',
  },
  {
    name: 'loop',
    title: 'a plain loop over undici',
    setup: 'Ten requests in flight where pages can be computed; no retries; a status that is not 2xx throws.',
    command: async (_job, file) => [process.execPath, here('plain-loop.ts'), file],
    results: 'lines',
  },
  python('dlt client', 'dlt', ['dlt_client.py'], 'lines', '`RESTClient` alone, with a compiled selector.'),
  python('dlt pipeline', 'dlt', ['dlt_pipeline.py'], 'loaded', 'The `rest_api` source into files, as it comes.'),
  python(
    'dlt tuned',
    'dlt',
    ['dlt_pipeline.py', '--tuned'],
    'loaded',
    'The same with a compiled selector, parallelized resources, ten extracting threads and two normalizing processes.',
  ),
  python('singer', 'singer-sdk', ['singer_tap.py'], 'messages', 'A tap of `RESTStream`s into a file.'),
  python(
    'airbyte',
    'airbyte-cdk',
    ['airbyte_source.py'],
    'messages',
    'A low-code source with a concurrency of 10 and `WaitTimeFromHeader` for Retry-After, into a file.',
  ),
];

function headgateCommand(job: Job): readonly string[] {
  const file = here(job.auth === 'token' ? 'headgate-token.ts' : 'headgate-open.ts');
  const streams = streamsOf(job).flatMap((stream) => ['--stream', stream]);
  const args = ['run', file, '--param', `url=${job.url}`, '--out', join(job.out, 'delivered'), ...streams];
  return [process.execPath, here('../../bin/headgate.ts'), ...args];
}

const STREAMS: Readonly<Record<PagingKind, string>> = {
  pages: 'pages',
  offsets: 'offsets',
  cursor: 'cursor',
  links: 'links',
  one: 'one',
  parents: 'children',
};
const streamsOf = ({ streams, paging }: Job): readonly string[] => (streams.length > 1 ? streams : [STREAMS[paging]]);
