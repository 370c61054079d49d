import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainText, quickGzip } from '../../lib/aws/gzip.ts';
import { storedGzip, storedText } from '../memory/gzip.ts';

const pairs = { 'by zlib': [quickGzip, plainText], 'in memory': [storedGzip, storedText] } as const;
for (const [name, [gzip, gunzip]] of Object.entries(pairs)) {
  describe(name, () => {
    for (const text of ['', 'a', 'grüße \u{1F600}\n', '{"id":1}\n'.repeat(100_000)]) {
      it(`${text.length} characters come back`, async () => assert.equal(await gunzip(await gzip(text)), text));
    }
  });
}
