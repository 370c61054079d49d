import assert from 'node:assert/strict';
import { it } from 'node:test';
import { headgate } from './headgate.ts';

it('headgate rehearse: a stream of an API that is honest, then hostile in every way that can be said of it', async () => {
  const { code, stdout, stderr } = await headgate(['rehearse', 'practice', '--stream', 'orders']);
  assert.equal(code, 0, stderr + stdout);
  assert.match(stdout, /^orders +is honest +COMPLETE by count +45 of 45 +yes$/m);
  assert.match(stdout, /^orders +answers with a page of HTML first +COMPLETE by count +45 of 45 +yes$/m);
  assert.match(stdout, /^orders +has a short page in the middle +INCOMPLETE \(count\) +41 of 45 +yes$/m);
  assert.match(
    stdout,
    /^orders +refuses to be read further than half +INCOMPLETE \(http-400, count\) +16 of 45 +yes \[1\]$/m,
  );
  assert.match(stdout, /^\[1\] orders: .*`slices`.*\.$/m);
  assert.match(stdout, /^14 rehearsals: 6 got everything, 8 did not, and said so, 0 receipts said what is not so\.$/m);
});
