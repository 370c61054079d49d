import * as z from 'zod';

/** What a handler may answer to a batch (Lambda developer guide, "Implementing partial batch responses"). */
const batchResultSchema = z
  .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string().min(1) })).nullish() })
  .nullish();

/**
 * Which messages of a batch failed, by the handler's own word (JSON). Nothing, or an empty list: none. A result of
 * another shape, or one that names a message which is not in the batch: all of them.
 */
export function failedMessages(result: string, batch: ReadonlySet<string>): ReadonlySet<string> {
  const parsed = batchResultSchema.safeParse(JSON.parse(result));
  if (!parsed.success) return batch;
  const failed = new Set(parsed.data?.batchItemFailures?.map((failure) => failure.itemIdentifier));
  return failed.isSubsetOf(batch) ? failed : batch;
}
