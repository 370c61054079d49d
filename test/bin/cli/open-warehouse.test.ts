import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWarehouse } from '../../../bin/cli/open-warehouse.ts';

const refusals: readonly [string, string, RegExp][] = [
  ['a password in the URL', 'postgres://me:secret@db.example/shop', /must not hold a password.*PGPASSWORD/],
  ['a password among the parameters', 'postgres://db.example/shop?password=secret', /must not hold a password/],
  ['another kind of database', 'mysql://db.example/shop', /must be a DuckDB file, or a URL.*\(got mysql:/],
  ['a server that is not there', 'postgres://me@127.0.0.1:1/shop', /cannot be opened: .*ECONNREFUSED/],
  ['a folder that is not there', '/nonexistent/shop.duckdb', /cannot be opened as a DuckDB file/],
];

for (const [what, to, sentence] of refusals)
  test(`${what} is refused with one sentence that never quotes a password`, async () => {
    await assert.rejects(openWarehouse(to, undefined), ({ name, message }: Error) => {
      assert.equal(name, 'UsageError');
      assert.match(message, sentence);
      assert.doesNotMatch(message, /secret|\n/);
      return true;
    });
  });
