import { cutText, LONGEST_REQUEST, LONGEST_SENTENCE } from '../../core/bounds.ts';
import { failureSchema } from '../../core/failure.ts';
import { refOf, type TaskOf } from '../../core/tasks.ts';
import { forSync, type Invocation } from '../invocation.ts';
import { logEvent } from '../log-event.ts';
import type { PageRefusal } from '../requests/fetched-page.ts';
import { keepResponse } from '../requests/keep-answer.ts';
import { expiryOf, failedPageKey, parentOf } from '../store/sync-keys.ts';
import { keepPage } from './kept-page.ts';

/** A page that will not come, how it was refused last, and after how many attempts. */
export type FailedAttempts = { readonly page: number; readonly refusal: PageRefusal; readonly attempts: number };

/**
 * Keeps what is known of a page that will not come: the answer, an item that names the reason, and a message in the failures queue
 * that is the task itself. Only then may the page leave the open set, so that no page is ever failed without a trace.
 */
export async function setPageAside(
  invocation: Invocation,
  task: TaskOf<'pages'> | TaskOf<'chain'>,
  { page, refusal, attempts }: FailedAttempts,
): Promise<void> {
  const { connector, syncs, failures, clock, metrics } = invocation;
  const context = forSync(invocation, refOf(task));
  const { ref } = context;
  const now = clock.now();
  const { exchange } = refusal;
  const response = await keepResponse(context, `${task.node}-${page}`, exchange?.keptText());
  const { code, rule } = refusal.reason;
  const message = cutText(refusal.reason.message, LONGEST_SENTENCE);
  const kept = {
    ...{ code, message, page, attempts, at: new Date(now).toISOString() },
    ...(exchange === undefined ? {} : { request: cutText(exchange.request, LONGEST_REQUEST) }),
    ...(exchange?.status === undefined ? {} : { status: exchange.status }),
    ...(response === undefined ? {} : { response }),
  };
  const whole = exchange && (await keepPage(context, `${task.node}-${page}`, code, exchange));
  // By its listing: a later phase knows that, and not the block in which the page failed.
  const listing = task.kind === 'pages' ? (parentOf(task.node)?.parent ?? task.node) : task.node;
  await syncs.create(failedPageKey(connector.name, ref, `${listing}#${page}`), {
    node: task.node,
    ...kept,
    ...(whole === undefined ? {} : { kept: whole }),
    ...expiryOf(now),
  });
  const failure = failureSchema.parse({ ...kept, rule });
  const only = task.kind === 'pages' ? { from: page, to: page } : {};
  await failures.send([{ task: { ...task, ...only, attempts: 0, failure }, group: task.connection }]);
  metrics.add('PagesSetAside', 1);
  logEvent(context, { message: 'page set aside', ...ref, page, code, reason: message, attempts });
}
