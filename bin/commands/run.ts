import { type LoadedConnector, loadConnector } from '../cli/load-connector.ts';
import type { RunOptions } from '../cli/options.ts';
import { chooseStreams, requireWritable } from '../cli/options.ts';
import { readParameters } from '../cli/parameters.ts';
import { readSecret } from '../cli/secret.ts';
import { inScratch } from '../cli/stack.ts';

/** Every record of the practice API is made on demand: this many of each stream. */
const PRACTICE_RECORDS = 10_000;

/**
 * One sync of each stream on the embedded stack: the real templates, the real bundles. Gives the exit code: 0 if every receipt says
 * COMPLETE, else 2. Throws a {@link UsageError} before anything is started.
 */
export async function run(nameOrPath: string, options: RunOptions): Promise<0 | 2> {
  const loaded = await loadConnector(nameOrPath);
  const streams = chooseStreams(loaded.connector, options.stream);
  const practice =
    nameOrPath === 'practice' && options.param === undefined ? await simulatePractice(loaded) : undefined;
  try {
    const params = readParameters(
      loaded.connector,
      practice === undefined ? (options.param ?? []) : [`url=${practice.url}`],
    );
    const secret = await readSecret(loaded.connector, options.secrets);
    requireWritable(options.out);
    return await inScratch(async (scratch) => {
      // Loaded late: what can be refused is refused without waiting for CDK.
      const { syncAll } = await import('../cli/sync-all.ts');
      const receipts = await syncAll({ loaded, streams, params, secret, scratch }, options);
      return receipts.every(({ verdict }) => verdict === 'COMPLETE') ? 0 : 2;
    });
  } finally {
    await practice?.stop();
  }
}

/** The practice API is no service anywhere: the simulator plays it. */
async function simulatePractice({ connector }: LoadedConnector) {
  const { simulate } = await import('../../lib/simulator/simulate.ts');
  return simulate(connector, { records: PRACTICE_RECORDS });
}
