import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import github from '../../lib/connectors/github.ts';
import jira from '../../lib/connectors/jira.ts';
import type { Rule } from '../../lib/core/connector/connector.ts';
import { wordsOf } from '../../lib/simulator/words.ts';

describe('what only an API has words for', () => {
  it('is found by its connector’s rules', () => {
    assert.deepEqual(Object.keys(wordsOf(jira.errors).words).sort(), ['broad', 'expired', 'vanished']);
    const { words, unspoken } = wordsOf(github.errors);
    assert.deepEqual([Object.keys(words).sort(), unspoken], [['broad', 'throttled', 'vanished'], []]);
    assert.deepEqual([words.vanished?.status, words.throttled?.status], [410, 403]);
  });

  it('a rule that looks at what the answer says takes not every 404 for nothing', () => {
    assert.equal(wordsOf(jira.errors).words.broad, false);
  });

  it('is not known without rules, and a rule for which there is no answer is named', () => {
    assert.deepEqual(wordsOf([]), { words: { broad: false }, unspoken: [] });
    const never: Rule = { when: () => false, is: 'retry', because: 'never' };
    const gone: Rule = { when: ({ status }) => status === 404, is: 'empty', because: 'gone' };
    const { words, unspoken } = wordsOf([never, gone]);
    assert.deepEqual([Object.keys(words).sort(), unspoken], [['broad', 'vanished'], ['errors[0]']]);
    assert.equal(words.broad, true);
  });
});
