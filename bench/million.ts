import { parseArgs } from 'node:util';
import { json, makeWorld } from '../test/pipeline/world.ts';
import { countedKeys } from './count-repeats.ts';
import { meteredTable } from './metered-table.ts';
import { millionApi, pageOf } from './million-api.ts';
import connector from './million-connector.ts';
import { runEmbedded } from './run-embedded.ts';

/**
 * npm run bench:million [-- --records 1000000 --stream pages]
 *
 * First what the tree costs, by listings of 100, 1,000 and 10,000 pages in memory: the largest item, and the write units of DynamoDB for each page.
 * Then how long the close counts repeated keys, and in how much memory. Then so many records through the embedded stack: whether each came exactly once, and how much memory the process took at most.
 */
const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, stream: { type: 'string', default: 'pages' } },
});
const PAGE = 100;

async function costOf(stream: string, count: number): Promise<void> {
  const { cost, metered } = meteredTable();
  const world = makeWorld({
    connector,
    params: { url: 'http://api.test' },
    metered,
    api: ({ query }) => json(pageOf(count * PAGE - 1, query)),
  });
  const receipt = await world.sync(stream);
  const largest = [...cost.largest].map(([kind, bytes]) => `${kind} ${bytes}`).join(' · ');
  const each = (cost.units / receipt.pages.fetched).toFixed(2);
  console.log(
    `${stream.padEnd(8)} ${String(count).padStart(6)} pages: ${receipt.verdict}, ${each} write units a page; largest items in bytes: ${largest}`,
  );
}

async function embedded(stream: string, records: number): Promise<void> {
  const { server, asked } = millionApi(records);
  const seen = new Uint8Array(records);
  let twice = 0;
  const { code, receipt, seconds, peak, growth } = await runEmbedded('million-connector.ts', stream, server, (id) => {
    if (seen[id] === 1) twice += 1;
    seen[id] = 1;
  });
  const missing = seen.reduce((sum, one) => sum + (one === 0 ? 1 : 0), 0);
  const again = [...asked.values()].filter((times) => times > 1).length;
  console.log(
    `${stream}: exit ${code}, ${receipt.verdict} by ${receipt.evidence}, ${receipt.records.delivered} records in ${receipt.pages.fetched} pages, ` +
      `${receipt.requests.sent} requests; ${missing} missing, ${twice} twice, ${again} pages asked for again; ` +
      `${seconds.toFixed(0)} s, at most ${peak.toFixed(0)} MB, ${growth.toFixed(2)} × as much in the last third as in the second`,
  );
}

for (const stream of ['pages', 'offsets', 'cursor'])
  for (const count of [100, 1_000, 10_000]) await costOf(stream, count);
for (const records of [1_000_000, 10_000_000, 50_000_000]) await countedKeys(records);
await embedded(values.stream, Number(values.records));
