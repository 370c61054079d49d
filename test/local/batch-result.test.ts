import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failedMessages } from '../../lib/local/batch-result.ts';

const batch = new Set(['a', 'b', 'c']);

describe('failedMessages', () => {
  const named = (...ids: unknown[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });
  const cases: readonly [title: string, result: unknown, failed: string[]][] = [
    ['null: none', null, []],
    ['an empty object: none', {}, []],
    ['a null list: none', { batchItemFailures: null }, []],
    ['an empty list: none', named(), []],
    ['one: that one', named('b'), ['b']],
    ['one named twice: that one', named('b', 'b'), ['b']],
    ['more members beside the id: that one', { batchItemFailures: [{ itemIdentifier: 'a', why: 1 }], more: 2 }, ['a']],
    ['an unknown id: all', named('b', 'x'), ['a', 'b', 'c']],
    ['an empty id: all', named('b', ''), ['a', 'b', 'c']],
    ['a null id: all', named(null), ['a', 'b', 'c']],
    ['another key than itemIdentifier: all', { batchItemFailures: [{ id: 'a' }] }, ['a', 'b', 'c']],
    ['no list: all', { batchItemFailures: 'a' }, ['a', 'b', 'c']],
    ['a text: all', 'done', ['a', 'b', 'c']],
    ['a list: all', [], ['a', 'b', 'c']],
  ];
  for (const [title, result, failed] of cases) {
    it(title, () => assert.deepEqual([...failedMessages(JSON.stringify(result), batch)].sort(), failed));
  }
});
