import * as z from 'zod';

/** Why a page was set aside, as it stands in the failure message beside the task. */
export const failureSchema = z.strictObject({
  /** Stable; the same word stands in the receipt. */
  code: z.string(),
  /** One sentence for people. */
  message: z.string(),
  /** The connector's rule that said so, by its place: `errors[0]`. */
  rule: z.string().optional(),
  /** Page index, from 0. */
  page: z.int(),
  /** Method and URL, without header or body; absent if nothing was sent. */
  request: z.string().optional(),
  status: z.int().optional(),
  attempts: z.int(),
  at: z.iso.datetime(),
  /** Key of the kept response in the bucket. */
  response: z.string().optional(),
});
