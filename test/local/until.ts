import { setTimeout } from 'node:timers/promises';

/** Waits until the condition holds. Throws if it does not within so many seconds. */
export async function until(condition: () => boolean | Promise<boolean>, seconds = 10): Promise<void> {
  const deadline = Date.now() + 1_000 * seconds;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`This did not become true: ${condition}`);
    await setTimeout(2);
  }
}
