import { parseArgs } from 'node:util';
import { weathered } from './weather.ts';

/** `npm run sweep -- --seeds 5000`, or `--seed N` for one: seven connectors under troubles that fall together. Stops at the first receipt that is wrong. */
const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1000' }, seed: { type: 'string' } } });
const from = Number(values.seed ?? 1);
const to = values.seed === undefined ? from + Number(values.seeds) - 1 : from;
const tally = new Map<string, number>();
for (let seed = from; seed <= to; seed++) {
  try {
    const { what, receipt } = await weathered(seed);
    const verdict = [receipt.verdict, receipt.evidence].filter((word) => word !== null).join(' by ');
    tally.set(verdict, (tally.get(verdict) ?? 0) + 1);
    if (values.seed !== undefined) process.stdout.write(`${what}\n${JSON.stringify(receipt, null, 2)}\n`);
  } catch (error) {
    process.stdout.write(`Seed ${seed}: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
    break;
  }
}
process.stdout.write([...tally].map(([verdict, count]) => `${String(count).padStart(6)}  ${verdict}\n`).join(''));
