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
   * `key`: a keyset or cursor over a declared immutable, unique order was followed to the API's explicit end. `overlap`: neighbouring pages share a
   * record, and all edges agree. `count`: the stated total agrees. `end`: the API's explicit end. The last two rest on a second look, too: pages that
   * were asked for again, and held what they had held.
   */
  evidence: z.enum(['key', 'overlap', 'count', 'end']).nullable(),
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
  /** The second look: pages that were asked for again, of how many, and in how many of them records had moved. */
  checked: z.object({ pages: z.int(), of: z.int(), moved: z.int() }).default({ pages: 0, of: 0, moved: 0 }),
  /** What is to be known beside the verdict. */
  warnings: z
    .array(z.object({ code: z.string(), message: z.string() }))
    .readonly()
    .default([]),
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
