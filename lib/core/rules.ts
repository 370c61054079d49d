import type { Reply } from './exchange.ts';
import type { Rule } from './stream.ts';

/** A rule that holds for a reply. `name`: its place in the declaration, `errors[0]`. */
export type Matched = { readonly rule: Rule; readonly name: string };

/**
 * The first of a connector's rules that holds for a reply. One whose `when` throws, because it looks for what this reply
 * does not have, does not hold; `notes` tells which, for whoever wonders why it did not.
 */
export function matchRule(
  rules: readonly Rule[],
  reply: Reply,
): { readonly matched: Matched | undefined; readonly notes: readonly string[] } {
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
