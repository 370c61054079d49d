import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { recorded, replay } from '../connectors/github-replay.ts';
import { headgate, readRecords, temporaryFolder } from './headgate.ts';

const SCENARIO = 'api.github.com/paginate-issues';

it('GitHub’s recorded answers go through the github connector, link by link, and no secret is written anywhere', async (t) => {
  const folder = await temporaryFolder(t);
  const github = await replay(SCENARIO);
  t.after(() => github.stop());
  const params = ['org=octokit-fixture-org', 'repo=paginate-issues', `api=${github.url}`].flatMap((param) => [
    '--param',
    param,
  ]);
  const args = ['run', 'github', '--stream', 'issues', ...params, '--json', '--out', folder];
  const { code, receipts, stdout, stderr } = await headgate(args, {
    env: { HEADGATE_SECRET: '{"token":"hush-hush"}' },
  });
  assert.equal(code, 0, stderr);
  const [receipt] = receipts;
  assert.ok(receipt);
  assert.equal(receipt.verdict, 'COMPLETE');
  assert.equal(receipt.evidence, 'end');
  // The scenario also asks for the first page a second time.
  const pages = new Map(
    (await recorded(SCENARIO)).map(({ path, response }) => [
      path.replace(/.*[?&]page=(\d+).*|.*/, '$1') || '1',
      response,
    ]),
  );
  const numbers = (records: unknown) =>
    z
      .array(z.object({ number: z.int() }))
      .parse(records)
      .map(({ number }) => number);
  assert.deepEqual(numbers(readRecords(folder, receipt)).sort(), [...pages.values()].flatMap(numbers).sort());
  assert.equal(receipt.pages.fetched, pages.size);
  assert.ok(!(stdout + stderr).includes('hush-hush'));
});
