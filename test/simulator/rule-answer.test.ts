import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectors } from '../../lib/connectors/index.ts';
import type { Rule } from '../../lib/core/connector/connector.ts';
import { matchRule } from '../../lib/core/response/rules.ts';
import { answerBy } from '../../lib/simulator/rule-answer.ts';
import { CASES } from '../connectors/seven/cases.ts';

const rule = (when: Rule['when'], more: Partial<Rule> = {}): Rule => ({ when, is: 'restart', because: 'so', ...more });
const matched = (rules: readonly Rule[], answer: ReturnType<typeof answerBy>) =>
  answer &&
  matchRule(rules, { status: answer.status, header: (name) => answer.headers[name.toLowerCase()], body: answer.body })
    .matched?.rule;

describe('an answer by which an API says what a rule is about', () => {
  const shipped = Object.values(connectors).map(({ connector }) => connector);
  for (const { name, errors } of [...shipped, ...Object.values(CASES).map(({ connector }) => connector)]) {
    for (const [at, one] of errors.entries()) {
      it(`${name}: errors[${at}], ${one.because}`, () => {
        assert.equal(matched(errors, answerBy(errors, one)), one);
      });
    }
  }

  const found: Record<string, Rule['when']> = {
    'a status alone': (reply) => reply.status === 410,
    'a text in the body': (reply) => reply.body.error.code === 'EXPIRED',
    'a pattern of the whole body': (reply) => /cursor (has )?expired/i.test(JSON.stringify(reply.body)),
    'a header that is there': (reply) => reply.status === 400 && reply.header('x-expired') !== undefined,
    'one of several rows': (reply) => reply.body.errors.some(({ code }: { code: string }) => code === 'GONE'),
    'the text of a page that is no JSON': (reply) => String(reply.body).includes('gone'),
  };
  for (const [what, when] of Object.entries(found)) {
    it(what, () => {
      const one = rule(when);
      assert.equal(matched([one], answerBy([one], one)), one);
    });
  }

  it('is no answer for which another rule holds first', () => {
    const [first, second] = [
      rule(({ status }) => status === 410),
      rule(({ status }) => status === 410 || status === 404),
    ];
    assert.equal(answerBy([first, second], second)?.status, 404);
    assert.equal(answerBy([rule(() => true), second], second), undefined);
  });

  it('is none where the rule wants what nobody could guess', () => {
    const secret = 6 * 7;
    const one = rule(({ body }) => body.length === secret);
    assert.equal(answerBy([one], one), undefined);
  });

  it('says when to come again, and is none where it would have to be waited for', () => {
    const patient = rule(({ status }) => status === 418, { is: 'throttled', wait: '1 hour' });
    assert.deepEqual(answerBy([patient], patient)?.headers['retry-after'], '1');
    const deaf = rule((reply) => reply.status === 418 && reply.header('retry-after') === undefined, {
      ...{ is: 'throttled', wait: '1 hour' },
    });
    assert.equal(answerBy([deaf], deaf), undefined);
    const brief = { ...deaf, wait: '1 second' } as const;
    assert.equal(answerBy([brief], brief)?.status, 418);
  });
});
