import type { Reply } from '../core/exchange.ts';
import type { Rule } from '../core/response/rules.ts';
import { matchRule } from '../core/response/rules.ts';
import { span } from '../core/time.ts';
import type { Answer } from './exchange.ts';
import { findRuleForm } from './find-reply-form.ts';
import { positionsOf, textAt } from './pattern.ts';
import { replyMaker } from './reply-form.ts';
import { anyFacts } from './samples.ts';

/** Statuses that are tried where the rule names none: those by which APIs usually say such a thing. */
const USUAL: Readonly<Record<Rule['is'], readonly number[]>> = {
  throttled: [429, 403, 503, 400, 200],
  retry: [500, 503, 409, 400, 200],
  reauthorise: [401, 403, 400, 200],
  restart: [400, 410, 404, 409, 200],
  empty: [404, 410, 409, 400, 200],
  failure: [400, 403, 422, 500, 200],
  page: [200, 207, 206],
};
/** The longest wait in a rehearsal, in milliseconds. */
const PATIENCE = 2_000;

/**
 * An answer by which an API says what this rule is about: the rule holds for it, and none before it. It is looked for as replies are: by what the rule
 * reads, and the texts, patterns and statuses that stand in it. `undefined`: none is found, or it would have to be waited for too long.
 */
export function answerBy(rules: readonly Rule[], rule: Rule): Answer | undefined {
  const source = String(rule.when);
  const texts = textsIn(source);
  const told = { because: rule.because, ...Object.fromEntries(texts.map((text, at) => [`text ${at}`, text])) };
  const facts = { ...anyFacts, told };
  const named = [...source.matchAll(/\b[1-5]\d\d\b/g)].map(([digits]) => Number(digits));
  for (const status of new Set([...named, ...USUAL[rule.is]])) {
    const holds = (reply: Reply): boolean => matchRule(rules, { ...reply, status }).matched?.rule === rule;
    // What should have been a page and is no JSON is asked for again, whatever the rules say.
    const form = findRuleForm(holds, facts, status > 299);
    if (form === undefined) continue;
    const { headers, body } = replyMaker(form)(facts);
    const answer = { status, headers, body };
    const soon = { ...answer, headers: { ...headers, 'retry-after': '1' } };
    if (rule.is !== 'throttled' && rule.is !== 'retry') return answer;
    if (holds(replyOf(soon))) return soon;
    if (typeof rule.wait !== 'string' || span(rule.wait) <= PATIENCE) return answer;
  }
  return undefined;
}

const replyOf = ({ status, headers, body }: Answer): Reply => ({
  status,
  header: (name) => headers[name.toLowerCase()],
  body,
});

/** Texts that stand in a function, and texts that its regular expressions match. */
export function textsIn(source: string): string[] {
  const quoted = [...source.matchAll(/'([^'\\\n]*)'|"([^"\\\n]*)"|`([^`$\\]*)`/g)].map(
    ([, a, b, c]) => a ?? b ?? c ?? '',
  );
  const patterns = [...source.matchAll(/(?<=[(,=:!&|?\s])\/((?:[^/\\\n[]|\\.|\[[^\]\n]*\])+)\/[a-z]*/g)].flatMap(
    ([, pattern = '']) => {
      const positions = positionsOf(pattern, 1);
      return positions === undefined ? [] : [textAt(positions, 0)];
    },
  );
  return [...new Set([...quoted, ...patterns])].filter((text) => text !== '');
}
