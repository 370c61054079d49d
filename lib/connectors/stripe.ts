import * as z from 'zod';
import { bearer, defineConnector, type Instant, keyset, type Raw } from '../core/connector/connector.ts';

/** What all of Stripe's objects have in common. `created`: epoch seconds. */
const Thing = z.looseObject({ id: z.string(), object: z.string(), created: z.int() });

/** Lists that can be asked for a time of creation, the newest first (https://docs.stripe.com/api/pagination). */
const LISTS = {
  charges: Thing.extend({ amount: z.int(), currency: z.string(), status: z.enum(['succeeded', 'pending', 'failed']) }),
  customers: Thing.extend({ email: z.string().nullable() }),
  invoices: Thing.extend({ total: z.int(), currency: z.string(), status: z.string().nullable() }),
  refunds: Thing.extend({ amount: z.int(), currency: z.string() }),
} as const;

/** An invoice carries its first ten lines only; all of them are a stream of their own. */
const withoutLines = ({ lines: _, ...record }: Record<string, unknown>): object => record;

type At = {
  page: { after: string | number | undefined; size: number };
  window: { from: Instant; to: Instant };
};

/** How each list is asked for, and how it answers. */
const listing = (name: string) =>
  ({
    request: ({ page, window }: At) => ({
      path: `/v1/${name}`,
      query: {
        limit: page.size,
        starting_after: page.after,
        'created[gte]': window.from.seconds,
        'created[lt]': window.to.seconds,
      },
    }),
    paging: keyset({ size: 100, after: (last) => last.id, more: (reply) => reply.body.has_more }),
    records: (body: Raw) => body.data,
    key: 'id',
    // By creation, and pages go on after an object's id: new objects come before the first page, and none changes its place.
    order: 'by key',
    since: {
      field: (record: { created: number }) => record.created,
      lookback: '1 hour',
      start: '2011-09-01T00:00:00Z',
    },
    limits: [{ requests: 25, per: '1 second' }],
  }) as const;

/**
 * Stripe lists by date of creation, which never changes: a full sync has everything, an incremental one what is new. What was changed
 * or deleted since is told by `events`, which Stripe keeps for 30 days.
 */
export default defineConnector({
  name: 'stripe',
  docs: 'https://docs.stripe.com/api',
  revision: 2,
  params: z.object({ api: z.url().default('https://api.stripe.com') }),
  baseUrl: ({ params }) => params.api,
  auth: bearer(),
  headers: { 'stripe-version': '2025-11-17.clover' },
  // https://docs.stripe.com/rate-limits: 100 a second in live mode, 25 of them for one endpoint.
  limits: [{ requests: 100, per: '1 second', share: 0.3 }],
  errors: [
    {
      when: (reply) => reply.status === 429 && reply.header('stripe-rate-limited-reason') === 'global-concurrency',
      is: 'throttled',
      wait: '2 seconds',
      because: 'too many requests at once',
    },
  ],
  schedule: '1 hour',
  streams: (stream) => ({
    ...Object.fromEntries(
      Object.entries(LISTS).map(([name, schema]) => [
        name,
        stream({
          ...listing(name),
          schema,
          map: withoutLines,
          slices: { width: '90 days', least: '1 minute' },
          full: '7 days',
        }),
      ]),
    ),
    /** All lines of each invoice (https://docs.stripe.com/api/invoices/invoice_lines). */
    invoiceLines: stream({
      each: { of: 'invoices', pick: (invoice) => String(invoice.id) },
      request: ({ parent, page }) => ({
        path: `/v1/invoices/${parent}/lines`,
        query: { limit: page.size, starting_after: page.after },
      }),
      paging: keyset({ size: 100, after: (last) => last.id, more: (reply) => reply.body.has_more }),
      order: 'by key',
      records: (body) => body.data,
      schema: z.looseObject({ id: z.string(), object: z.string(), amount: z.int(), currency: z.string() }),
      key: 'id',
      map: (line, { parent }) => ({ invoice: parent, ...line }),
      limits: [{ requests: 25, per: '1 second' }],
      schedule: '1 day',
    }),
    events: stream({
      ...listing('events'),
      schema: Thing.extend({ type: z.string(), data: z.looseObject({ object: z.looseObject({}) }) }),
      deleted: (event) => event.type.endsWith('.deleted'),
    }),
  }),
});
