import { parseArgs } from 'node:util';
import { json, makeWorld } from '../test/pipeline/world.ts';
import { meteredTable } from './metered-table.ts';
import { CHILDREN, familyOf, familyServer, hasVanished } from './parents-api.ts';
import connector from './parents-connector.ts';
import { runEmbedded } from './run-embedded.ts';

/**
 * npm run bench:parents [-- --parents 100000]
 *
 * First what the tree costs, by 100, 1,000 and 10,000 parents in memory: the largest item, and the write units of DynamoDB for each parent. Then so many
 * parents through the embedded stack, one in a hundred of which has vanished: whether each child came exactly once, and how much memory the process took at most.
 */
const { values } = parseArgs({ options: { parents: { type: 'string', default: '100000' } } });

async function costOf(parents: number): Promise<void> {
  const { cost, metered } = meteredTable();
  const world = makeWorld({
    connector,
    params: { url: 'http://api.test' },
    metered,
    api: ({ path, query }) => {
      const { status, body } = familyOf(parents, path, query);
      return json(body, {}, status);
    },
  });
  const receipt = await world.sync('children');
  const largest = [...cost.largest].map(([kind, bytes]) => `${kind} ${bytes}`).join(' · ');
  const each = (cost.units / parents).toFixed(2);
  console.log(
    `${String(parents).padStart(6)} parents: ${receipt.verdict}, ${each} write units a parent; largest items in bytes: ${largest}`,
  );
}

async function embedded(parents: number): Promise<void> {
  const seen = new Uint8Array(CHILDREN * parents);
  let twice = 0;
  const measured = await runEmbedded('parents-connector.ts', 'children', familyServer(parents), (id) => {
    if (seen[id] === 1) twice += 1;
    seen[id] = 1;
  });
  const { code, receipt, seconds, peak, growth } = measured;
  const missing = seen.reduce(
    (sum, one, id) => sum + (one === 0 && !hasVanished(Math.floor(id / CHILDREN)) ? 1 : 0),
    0,
  );
  console.log(
    `exit ${code}, ${receipt.verdict} by ${receipt.evidence}, ${receipt.records.delivered} children of ${parents} parents, ${receipt.requests.sent} requests; ` +
      `${missing} missing, ${twice} twice; ${seconds.toFixed(0)} s, ${((1_000 * seconds) / parents).toFixed(1)} ms a parent, ` +
      `at most ${peak.toFixed(0)} MB, ${growth.toFixed(2)} × as much in the last third as in the second`,
  );
}

for (const parents of [100, 1_000, 10_000]) await costOf(parents);
await embedded(Number(values.parents));
