import { startEmbedded } from '../../lib/local/embedded.ts';

/** A run in a process of its own: invokes housekeeping, says so, and then stops, or waits to be killed. */
const [assembly = '', state = '', then] = process.argv.slice(2);
const stack = await startEmbedded({ assembly, state, secrets: {} });
await stack.invoke('housekeeping', 'api', {});
process.stdout.write('invoked\n');
if (then === 'stop') await stack.stop();
