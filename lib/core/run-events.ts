import * as z from 'zod';

/** The sync that an event is of. */
const sync = { connection: z.string(), stream: z.string(), sync: z.string() };
const reason = { code: z.string(), reason: z.string() };

/** How a run goes, as its functions log it and the command line reads it. `message` tells the kinds apart. */
export const runEvent = z.discriminatedUnion('message', [
  /** A first page tells how many pages and records its listing has. */
  z.object({ message: z.literal('planned'), ...sync, pages: z.number(), records: z.number() }),
  /**
   * One request, logged where somebody looks closely. `at`: when it left, in epoch milliseconds; `took`: milliseconds until its answer was read;
   * `status`: 0 if none came; `is`: what the answer was judged to be, and why if it was no page.
   */
  z.object({
    message: z.literal('request answered'),
    ...sync,
    ...{ at: z.number(), took: z.number(), status: z.number(), is: z.string(), reason: z.string().default('') },
  }),
  /** `look`: they had been read before, and are compared. */
  z.object({
    message: z.literal('pages fetched'),
    ...sync,
    ...{ pages: z.number(), records: z.number(), look: z.boolean().default(false) },
  }),
  /** Answers that are no pages. Some are asked for again. */
  z.object({ message: z.literal('pages refused'), ...sync, ...reason, pages: z.number() }),
  /** `page`: its index. */
  z.object({ message: z.literal('page set aside'), ...sync, ...reason, page: z.number(), attempts: z.number() }),
  /** Its limits leave no room for as long as a message can wait. `until`: ISO 8601. */
  z.object({ message: z.literal('sync parked'), ...sync, until: z.string() }),
  /** A limiter lets nothing through for so many seconds: the API refused, or does not answer. */
  z.object({
    message: z.literal('meter held'),
    meter: z.string(),
    reason: z.enum(['refused', 'silence']),
    seconds: z.number(),
  }),
  z.object({ message: z.literal('connection paused'), connection: z.string(), ...reason }),
  /** The work on some messages threw; they come back. `kind`: of the task. */
  z.object({ message: z.literal('task failed'), kind: z.string(), messages: z.number(), reason: z.string() }),
]);
export type RunEvent = z.output<typeof runEvent>;
