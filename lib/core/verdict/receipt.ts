import * as z from 'zod';

/** The closing statement of a sync. Outside readers rely on these names. */
export const receiptSchema = z.object({
  connector: z.string(),
  connection: z.string(),
  stream: z.string(),
  sync: z.string(),
  revision: z.int(),
  mode: z.enum(['full', 'incremental']),
  verdict: z.enum(['COMPLETE', 'INCOMPLETE', 'UNKNOWN']),
  /**
   * What the verdict COMPLETE rests on; `null` with any other.
   * `overlap`: neighbouring pages share a record, all edges agree, and the last page was short. `cursor`: a cursor or keyset was
   * followed to the API's explicit end, or a declared stable order was. `count`: the total never changed, no key came twice, and
   * the count agrees. `end`: an explicit end of a listing whose records may move. The last two hold unless records moved meanwhile.
   */
  evidence: z.enum(['overlap', 'cursor', 'count', 'end']).nullable(),
  /** Why the verdict is not COMPLETE. Pages are counted from 1, or as the API numbers them. */
  reasons: z
    .array(
      z.object({
        code: z.string(),
        message: z.string(),
        pages: z.array(z.int()).readonly().optional(),
        /** Where a sync has slices: those it is true of, at most 20, each with its pages if known. */
        slices: z
          .array(z.object({ slice: z.string(), pages: z.array(z.int()).readonly().optional() }))
          .readonly()
          .optional(),
      }),
    )
    .readonly(),
  /** What the API said there would be, and how it said so. */
  expected: z.object({ records: z.int().nullable(), source: z.enum(['total', 'count', 'estimate']).nullable() }),
  pages: z.object({ planned: z.int(), fetched: z.int(), failed: z.int() }),
  /** `repeated`: records whose key had been read before. Those in the overlap of two pages are dropped; any other is delivered again. */
  records: z.object({ fetched: z.int(), delivered: z.int(), quarantined: z.int(), repeated: z.int() }),
  requests: z.object({ sent: z.int(), throttled: z.int(), retried: z.int() }),
  /** Edges of neighbouring pages compared, how many disagreed, and how many of those were mended by reading again. */
  movement: z.object({ checked: z.int(), moved: z.int(), repaired: z.int() }),
  /** Answers that a rule of the connector took for pages although they look like errors: why, and how many of them. */
  notes: z
    .array(z.object({ message: z.string(), pages: z.int() }))
    .readonly()
    .optional(),
  /** Departures from the declared schema at any depth, once each: what it does not know, what is missing, what has another type. */
  schema: z
    .array(
      z.object({
        path: z.string(),
        change: z.enum(['missing', 'retyped', 'unknown']),
        page: z.int(),
        sample: z.string(),
      }),
    )
    .readonly(),
  watermark: z.object({ before: z.string().nullable(), after: z.string().nullable() }),
  /** An operator accepted what is missing: then the watermark moved whatever the verdict. */
  accepted: z.object({ reason: z.string(), at: z.iso.datetime() }).optional(),
  /** Key of the manifest, which lists the parts. */
  manifest: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
});
export type Receipt = z.output<typeof receiptSchema>;
export type SchemaChange = Receipt['schema'][number];

/** A fixed order of fields, so that receipts read alike. */
export const receiptText = (receipt: Receipt): string =>
  `${JSON.stringify(receiptSchema.parse(receipt), undefined, 2)}\n`;
