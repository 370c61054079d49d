import type { Rule } from '../core/response/rules.ts';

import { matchRule } from '../core/response/rules.ts';
import type { Answer } from './exchange.ts';
import { answerBy } from './rule-answer.ts';

/** Responses that mean something only by the connector's own rules. Absent: no rule knows it. */
export type Words = {
  /** A cursor has expired. */
  readonly expired?: Answer | undefined;
  /** A parent is no longer there. */
  readonly vanished?: Answer | undefined;
  /** It asks for patience. */
  readonly throttled?: Answer | undefined;
  /** It fails, and may not the next time. */
  readonly failing?: Answer | undefined;
  /** It refuses what is asked for. */
  readonly refused?: Answer | undefined;
  /** It is a page, though it says that it is not. */
  readonly dressed?: Answer | undefined;
  /** A rule takes any 404 for a listing that has nothing. */
  readonly broad?: boolean;
};

/** What any API may say of what it does not have. */
export const MISSING: Answer = { status: 404, headers: {}, body: { message: 'not found' } };

const MEANS = {
  expired: 'restart',
  vanished: 'empty',
  throttled: 'throttled',
  failing: 'retry',
  refused: 'failure',
  dressed: 'page',
} as const;

/** The words of an API, by the first of its connector's rules of each kind for which an answer is found; and the rules for which none is, by their place. */
export function wordsOf(rules: readonly Rule[]): { readonly words: Words; readonly unspoken: readonly string[] } {
  const spoken = rules.map((rule) => ({ rule, answer: answerBy(rules, rule) }));
  const said = Object.entries(MEANS).flatMap(([name, is]) => {
    const found = spoken.find(({ rule, answer }) => rule.is === is && answer !== undefined);
    return found === undefined ? [] : [[name, found.answer]];
  });
  const unspoken = spoken.flatMap(({ answer }, at) => (answer === undefined ? [`errors[${at}]`] : []));
  const { matched } = matchRule(rules, { status: 404, header: () => undefined, body: MISSING.body });
  return { words: { ...Object.fromEntries(said), broad: matched?.rule.is === 'empty' }, unspoken };
}
