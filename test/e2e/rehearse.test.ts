import assert from 'node:assert/strict';
import { it } from 'node:test';
import { headgate } from './headgate.ts';

it('headgate rehearse: an honest API, and a receipt that is held against what it knows', async () => {
  const { code, stdout, stderr } = await headgate(['rehearse', 'practice', '--stream', 'orders']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^orders +is honest +COMPLETE by count +45 of 45 +true$/m);
});
