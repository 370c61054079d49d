import { setTimeout } from 'node:timers/promises';

/** Waits until the condition holds. Throws if it does not within 10 seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`This did not become true: ${condition}`);
    await setTimeout(2);
  }
}
