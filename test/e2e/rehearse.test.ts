import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { headgate, temporaryFolder } from './headgate.ts';

/** Its keys are in the query, `map` leaves the key of its records out, and its rule takes any 404 for "no members". */
const BROAD = `
import { apiKey, cursor, defineConnector, pages } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'broad', docs: '', params: z.object({ account: z.string() }),
  baseUrl: ({ params }) => \`https://\${params.account}.broad.example/v2\`,
  auth: apiKey({ query: 'key' }), limits: [{ requests: 5, per: '1 minute' }],
  errors: [{ when: (reply) => reply.status === 404, is: 'empty', because: 'nothing here' }],
  streams: (stream) => ({
    lists: stream({
      request: ({ page }) => ({ path: '/lists', query: { page: page.number } }), paging: pages({ size: 50 }),
      total: (reply) => reply.body.total, records: (body) => body.lists, schema: z.object({ id: z.int() }), key: 'id' }),
    members: stream({
      each: { of: 'lists', pick: (list) => list.id as number },
      request: ({ parent, page }) => ({ path: \`/lists/\${parent}/members\`, query: { cursor: page.cursor, n: page.size } }),
      paging: cursor({ size: 100, next: (reply) => reply.body.next }), records: (body) => body.members,
      schema: z.object({ id: z.string(), email: z.email() }), key: 'id', map: ({ email }) => ({ email }) }),
  }),
});
`;

describe('headgate rehearse', () => {
  it('a stream of an API that is honest, then hostile in every way that can be said of it', async () => {
    const { code, stdout, stderr } = await headgate(['rehearse', 'practice', '--stream', 'events']);
    assert.equal(code, 0, stderr + stdout);
    assert.match(stderr, /^practice: 13 rehearsals, on a stack of this machine\.$/m);
    assert.match(stdout, /^events +is honest +COMPLETE by end +45 of 45 +yes$/m);
    assert.match(stdout, /^events +answers with a page of HTML first +COMPLETE by end +45 of 45 +yes$/m);
    assert.match(stdout, /^events +leads back to where it has been +INCOMPLETE \(loop, cut-short\) +8 of 45 +yes$/m);
    const forgets =
      /^events +forgets once what leads to a page +INCOMPLETE \(http-404, cut-short\) +16 of 45 +yes (\[\d\])$/m;
    const [, note = ''] = forgets.exec(stdout) ?? assert.fail(stdout);
    assert.ok(stdout.includes(`${note} events: say in \`errors\` by which answer`), stdout);
    assert.match(
      stdout,
      /^13 rehearsals: 6 got everything, 7 did not, and said so, 0 receipts said what is not so\.$/m,
    );
  });

  it('a connector by whose rule records are lost without a word: which, and what to mend', async (t) => {
    const folder = await temporaryFolder(t);
    const file = join(folder, 'broad.ts');
    await writeFile(file, BROAD);
    const only = ['--stream', 'members', '--only', 'honest', '--only', 'forgets once', '--json'];
    const { code, stdout, stderr } = await headgate(['rehearse', file, ...only], { cwd: folder });
    assert.equal(code, 2, stderr);
    const row = z.object({
      api: z.string(),
      verdict: z.string(),
      worth: z.string(),
      there: z.int(),
      came: z.int(),
      mend: z.string().nullable(),
    });
    const [honest, forgets, ...others] = stdout
      .trim()
      .split('\n')
      .map((line) => row.parse(JSON.parse(line)));
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(honest, { verdict: 'COMPLETE', worth: 'survived', there: 45, came: 45, mend: null });
    assert.partialDeepStrictEqual(forgets, { verdict: 'COMPLETE', worth: 'lied', there: 45 });
    assert.match(forgets?.mend ?? '', /takes any 404/);
  });

  const wrong: Record<string, { args: readonly string[]; says: RegExp }> = {
    'a number that is none': {
      args: ['practice', '--records', 'many'],
      says: /^--records many is no whole number from 1 to 1000000\.$/,
    },
    'nothing that the API could do': {
      args: ['practice', '--only', 'sings'],
      says: /^--only sings leaves nothing to rehearse\./,
    },
    'no such connector': { args: ['nowhere'], says: /^There is no connector "nowhere"\./ },
    'a parameter that it does not have': {
      args: ['practice', '--param', 'a=b'],
      says: /has no parameter "a"\. It has: url\.$/,
    },
  };
  for (const [what, { args, says }] of Object.entries(wrong)) {
    it(`${what}: one sentence, exit code 1`, async () => {
      const { code, stdout, stderr } = await headgate(['rehearse', ...args]);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr.trim(), says);
    });
  }
});
