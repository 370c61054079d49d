import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './headgate.ts';

const CLI = join(import.meta.dirname, '../../node_modules/json-server/lib/cli/bin.js');

/** Starts json-server 0.17, a REST API nobody here wrote, over a JSON file, and stops it after the test; gives its URL. */
export async function startJsonServer(t: TestContext, folder: string, data: object): Promise<string> {
  const file = join(folder, 'db.json');
  writeFileSync(file, JSON.stringify(data));
  const port = await freePort();
  const server = spawn(process.execPath, [CLI, '--host', '127.0.0.1', '--port', String(port), '--quiet', file], {
    stdio: 'ignore',
  });
  t.after(async () => {
    const gone = once(server, 'exit');
    if (server.kill('SIGKILL')) await gone;
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`json-server ended with ${server.exitCode}.`);
    if (await answers(url)) return url;
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/orders?_limit=1`, { signal: AbortSignal.timeout(1_000) }).then(
    (reply) => reply.ok,
    () => false,
  );
