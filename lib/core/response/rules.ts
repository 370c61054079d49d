import type { Reply } from '../exchange.ts';
import type { Span } from '../time.ts';

/**
 * What an API means by a reply that no status tells. `when`: of the whole reply; its body is the parsed JSON, or the text where it is none.
 * `wait`: how long `throttled` or `retry` waits when the API gives no advice; a function reads the advice from the reply, in milliseconds, and goes before `Retry-After`. `because`: one clause; it becomes part of the reason.
 */
export type Rule = {
  when: (reply: Reply) => boolean;
  is: 'throttled' | 'retry' | 'reauthorise' | 'restart' | 'empty' | 'failure' | 'page';
  wait?: Span | ((reply: Reply) => number | undefined);
  because: string;
};

/** A rule that holds for a reply. `name`: its place in the declaration, `errors[0]`. */
export type MatchedRule = { readonly rule: Rule; readonly name: string };

/**
 * The first of a connector's rules that holds for a reply. A rule whose `when` throws, because it looks for a field that this reply
 * lacks, does not hold; `notes` says which.
 */
export function matchRule(
  rules: readonly Rule[],
  reply: Reply,
): { readonly matched: MatchedRule | undefined; readonly notes: readonly string[] } {
  const notes: string[] = [];
  for (const [index, rule] of rules.entries()) {
    const name = `errors[${index}]`;
    try {
      if (rule.when(reply)) return { matched: { rule, name }, notes };
    } catch (error) {
      notes.push(
        `${name} could not judge it: ${(error instanceof Error ? error.message : String(error)).slice(0, 100)}`,
      );
    }
  }
  return { matched: undefined, notes };
}
