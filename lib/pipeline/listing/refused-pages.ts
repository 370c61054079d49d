import type { NodeContext } from '../invocation.ts';
import { logEvent } from '../log-event.ts';
import { type PageRefusal, requestsOf } from '../requests/fetched-page.ts';
import { keepSamples } from '../requests/keep-answer.ts';

/** What becomes of a page that did not come. */
export type RefusalDecision =
  /** It is set aside: it cannot heal, or had every chance to. */
  | { readonly is: 'final' }
  /** It was no attempt: the page may come again in so many milliseconds. */
  | { readonly is: 'excused'; readonly wait: number }
  /** It was an attempt, and another follows. `advised`: how many milliseconds the API wants to be left alone; 0: it does not say. */
  | { readonly is: 'retry'; readonly advised: number };

/** Decides what becomes of a refused page. `attempt`: which one it was, from 1. `attempts`: how many there are. */
export function decideRefusal(
  { heals, excused, wait = 0 }: Pick<PageRefusal, 'heals' | 'excused' | 'wait'>,
  attempt: number,
  attempts: number,
): RefusalDecision {
  if (!heals) return { is: 'final' };
  if (excused !== undefined) return { is: 'excused', wait: excused };
  return attempt < attempts ? { is: 'retry', advised: wait } : { is: 'final' };
}

/** Keeps a sample of each kind of refusal, and says in the log that pages were refused; gives what their node counts of them; `undefined` where none was answered. */
export async function noteRefusals(
  context: NodeContext,
  refusals: readonly PageRefusal[],
): Promise<{ readonly requests: number; readonly throttled: number } | undefined> {
  const unexpected = refusals.filter(({ waits }) => waits !== true);
  await keepSamples(context, unexpected);
  const answered = refusals.filter(({ exchange }) => exchange !== undefined);
  if (answered.length === 0) return undefined;
  const [first] = unexpected.filter(({ exchange }) => exchange !== undefined);
  if (first !== undefined) {
    const { code, message: reason } = first.reason;
    logEvent(context, { message: 'pages refused', ...context.ref, pages: unexpected.length, code, reason });
  }
  return { requests: requestsOf(answered), throttled: answered.filter(({ throttled }) => throttled).length };
}
