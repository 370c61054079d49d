import { backoff } from '../../core/backoff.ts';
import { TASK_PAGES, toPageRanges } from '../../core/listing/listing.ts';
import { pagesTask, type TaskOf } from '../../core/tasks.ts';
import { attemptOf, type TaskOutcome } from '../tasks/outcome.ts';
import { LONGEST_DELAY, type PacedTask, postponeTasks } from '../tasks/postpone.ts';
import { type BlockRun, decidePageRefusal, type PageOutcome, type PagesTask } from './reading.ts';
import type { RefusalDecision } from './refused-pages.ts';

/**
 * What becomes of each message. It is done when none of its pages is left to it. Pages that failed and may heal bring it back when
 * its visibility ends. Pages that had no slot, or no time, go on in fresh copies, which carry the attempts on and add
 * none; then those that failed do as well, so that no page is asked for by two messages.
 */
export async function reportBack(
  run: BlockRun,
  received: readonly PagesTask[],
  outcomes: ReadonlyMap<number, PageOutcome>,
): Promise<Map<string, TaskOutcome>> {
  const reported = new Map<string, TaskOutcome>(received.map(({ id }) => [id, 'done'] as const));
  const excused: Left[] = [];
  for (const each of received) {
    const left = [...outcomes].flatMap(([page, outcome]): Left[] => {
      if (outcome.is !== 'refused' || run.tasks.get(page) !== each) return [];
      const { refusal } = outcome;
      const decision = decidePageRefusal(run, each, refusal);
      return decision.is === 'final' ? [] : [{ page, owner: each, throttled: refusal.throttled, decision }];
    });
    const failed = left.filter(({ decision }) => decision.is === 'retry');
    // One draw for the message: the longest of several would be no full jitter.
    const advised = Math.max(0, ...left.map(({ decision }) => (decision.is === 'retry' ? decision.advised : 0)));
    const wait = backoff(attemptOf(each), run.random.number(), advised);
    if (failed.length === left.length) {
      if (failed.length > 0) reported.set(each.id, { later: wait });
      continue;
    }
    excused.push(...left.filter((one) => !failed.includes(one)));
    if (failed.length > 0) {
      const tasks = copies(run, failed, (task) => ({ ...task, attempts: attemptOf(each) }));
      await postponeTasks(run, { limiters: run.meters, tasks, least: Math.min(wait, LONGEST_DELAY) });
    }
  }
  for (const group of Map.groupBy(excused, ({ owner, throttled }) => `${owner.id} ${throttled}`).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { owner, throttled } = first;
    const carried = { attempts: attemptOf(owner) - 1, refusals: throttled ? owner.task.refusals + 1 : 0 };
    const tasks = copies(run, group, (task) => ({ ...task, ...carried }));
    const least = Math.max(...group.map(({ decision }) => (decision.is === 'excused' ? decision.wait : 0)));
    await postponeTasks(run, { limiters: run.meters, tasks, least });
  }
  return reported;
}

/** A page that is left to be asked for again, by the worker that asked for it. */
type Left = {
  readonly page: number;
  readonly owner: PagesTask;
  readonly throttled: boolean;
  readonly decision: Exclude<RefusalDecision, { is: 'final' }>;
};

const copies = (
  { ref, path }: BlockRun,
  left: readonly Left[],
  carry: (task: TaskOf<'pages'>) => TaskOf<'pages'>,
): PacedTask[] =>
  toPageRanges(
    left.map(({ page }) => page),
    TASK_PAGES,
  ).map((range) => ({
    task: carry(pagesTask(ref, path, range)),
    requests: range.to - range.from + 1,
  }));
