import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { quickGzip } from '../../lib/aws/gzip.ts';
import { storedGzip } from '../memory/gzip.ts';

for (const [name, gzip] of Object.entries({ quickGzip, storedGzip })) {
  describe(name, () => {
    for (const text of ['', 'a', 'grüße \u{1F600}\n', '{"id":1}\n'.repeat(100_000)]) {
      it(`${text.length} characters come back`, async () =>
        assert.equal(gunzipSync(await gzip(text)).toString(), text));
    }
  });
}
