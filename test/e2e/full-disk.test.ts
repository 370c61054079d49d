import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { canMountDisks, smallDisk } from '../local/small-disk.ts';
import { headgate, readRecords, temporaryFolder } from './headgate.ts';

/** Whichever folder is on a full disk: one sentence, exit code 1, nothing is left of the scratch; with room the same command goes on. */

const PAGES = 40;
const SIZE = 50;

type Folders = { readonly state: string; readonly out: string; readonly scratch: string };

const CASES: readonly {
  readonly what: string;
  readonly kilobytes: number;
  folders(full: string, usual: string): Folders;
  readonly stateless?: true;
}[] = [
  {
    what: 'the objects of the state',
    kilobytes: 400,
    folders: (full, usual) => ({ state: join(full, 's'), out: join(usual, 'o'), scratch: usual }),
  },
  {
    what: 'the results',
    kilobytes: 100,
    folders: (full, usual) => ({ state: join(usual, 's'), out: join(full, 'o'), scratch: usual }),
  },
  {
    what: 'the scratch',
    kilobytes: 400,
    stateless: true,
    folders: (full, usual) => ({ state: '', out: join(usual, 'o'), scratch: full }),
  },
];

describe('a full disk', { skip: canMountDisks ? false : 'only root can mount a small disk' }, () => {
  for (const { what, kilobytes, folders, stateless } of CASES)
    it(what, async (t) => {
      const full = smallDisk(t, kilobytes);
      const usual = await temporaryFolder(t);
      const { state, out, scratch } = folders(full, usual);
      writeFileSync(join(usual, 'shop.ts'), CONNECTOR(await serve(t)));
      const kept = stateless ? [] : ['--state', state];
      const run = () =>
        headgate(['run', join(usual, 'shop.ts'), '--json', ...kept, '--out', out], {
          env: { TMPDIR: scratch },
          cwd: usual,
        });

      const first = await run();
      assert.equal(first.code, 1, first.stderr);
      const said = first.stderr.trim().split('\n').at(-1) ?? '';
      assert.match(
        said,
        new RegExp(`^The disk of "${full}/.*" is full\\. Make room, and run the same command again\\.$`),
        first.stderr,
      );
      assert.doesNotMatch(first.stderr, /^\s+at /m);
      if (stateless) assert.deepEqual(readdirSync(full), []);

      execFileSync('mount', ['-o', 'remount,size=100m', full]);
      const second = await run();
      assert.equal(second.code, 0, second.stderr);
      const [receipt] = second.receipts;
      assert.deepEqual([receipt?.verdict, receipt?.records.delivered], ['COMPLETE', PAGES * SIZE]);
      assert.equal(readRecords(out, receipt ?? assert.fail()).length, PAGES * SIZE);
    });
});

it("folders that were open to others are closed to them, and what lies in them is its owner's", async (t) => {
  const usual = await temporaryFolder(t);
  const [state, out] = [join(usual, 's'), join(usual, 'o')];
  for (const folder of [state, out, join(out, 'shop')]) {
    mkdirSync(folder);
    chmodSync(folder, 0o777);
  }
  writeFileSync(join(usual, 'shop.ts'), CONNECTOR(await serve(t)));
  const { code, stderr } = await headgate(['run', join(usual, 'shop.ts'), '--state', state, '--out', out], {
    cwd: usual,
  });
  assert.equal(code, 0, stderr);
  const isOpen = (path: string): boolean => (statSync(path).mode & 0o077) !== 0;
  // The folder that was named may be shared; what is in it is not.
  const open = [state, join(out, 'shop')].filter(isOpen);
  const below = readdirSync(join(out, 'shop'), { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(isOpen);
  assert.deepEqual([...open, ...below], []);
});

/** An API of records that do not compress. */
async function serve(t: TestContext): Promise<number> {
  const server = createServer((request, response) => {
    const page = Number(new URL(request.url ?? '/', 'http://127.0.0.1').searchParams.get('page'));
    const rows = Array.from({ length: page > PAGES ? 0 : SIZE }, (_, i) => ({
      id: page * SIZE + i,
      note: noise(page * SIZE + i),
    }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ rows, total: PAGES * SIZE }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

const noise = (seed: number): string =>
  Array.from({ length: 40 }, (_, i) => (((seed + 1) * 2_654_435_761 * (i + 7)) % 4_294_967_291).toString(36)).join('');

const CONNECTOR = (port: number): string => `
import { defineConnector, none, pages } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'shop', docs: '', params: z.object({}), baseUrl: 'http://127.0.0.1:${port}', auth: none(), limits: [],
  streams: (stream) => ({ orders: stream({
    request: ({ page }) => ({ path: '/orders', query: { page: page.number } }), paging: pages({ size: ${SIZE} }),
    records: (body) => body.rows, total: (reply) => reply.body.total, schema: z.object({ id: z.int(), note: z.string() }), key: 'id' }) }),
});
`;
