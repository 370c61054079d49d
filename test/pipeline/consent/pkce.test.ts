import assert from 'node:assert/strict';
import { it } from 'node:test';
import { calculatePKCECodeChallenge } from 'oauth4webapi';

it('a code challenge is made as in RFC 7636, appendix B', async () => {
  assert.equal(
    await calculatePKCECodeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'),
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  );
});
