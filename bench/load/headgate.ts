import * as z from 'zod';
import { openWarehouse } from '../../bin/cli/open-warehouse.ts';
import { loadStreams } from '../../lib/load/load.ts';
import { folderSource } from '../../lib/read/read.ts';
import { shop } from '../../test/load/deliveries.ts';

/** node bench/load/headgate.ts FOLDER DATABASE: loads the sync of a folder, and prints what it took as JSON. */
const [folder = '', to = ''] = process.argv.slice(2);
const schema = z.object({
  id: z.int(),
  number: z.string(),
  status: z.enum(['open', 'paid', 'sent']),
  total: z.number(),
  email: z.email(),
  vip: z.boolean(),
  lines: z.array(z.object({ article: z.string(), quantity: z.int() })),
  updated_at: z.iso.datetime(),
});
const started = performance.now();
const warehouse = await openWarehouse(to, undefined);
const job = { source: folderSource(folder), warehouse, connector: shop({ schema }), streams: ['items'] };
let rows = 0;
for await (const { counts } of loadStreams({ ...job, now: () => new Date() })) rows += counts?.written ?? 0;
await warehouse.close();
const seconds = (performance.now() - started) / 1_000;
const cpu = process.cpuUsage();
const used = { cpuSeconds: (cpu.user + cpu.system) / 1e6, megabytes: process.resourceUsage().maxRSS / 1_024 };
console.log(JSON.stringify({ rows, seconds, ...used }));
