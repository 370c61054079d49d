import * as z from 'zod';
import { cursor, defineConnector, links, none, offsets, pages } from '../core/connector/connector.ts';

const Order = z.object({
  id: z.int(),
  number: z.string(),
  status: z.enum(['open', 'paid', 'sent', 'returned']),
  customer: z.object({ id: z.uuid(), email: z.email() }),
  lines: z.array(z.object({ article: z.string(), quantity: z.int().min(1).max(20), price: z.number().min(0) })).max(3),
  note: z.string().nullable(),
  updated_at: z.iso.datetime(),
});

const Customer = z.object({
  id: z.uuid(),
  name: z.string(),
  email: z.email(),
  vip: z.boolean(),
  phone: z.string().optional(),
  created_on: z.iso.date(),
});

const Event = z.object({
  id: z.string(),
  type: z.enum(['order.placed', 'order.paid', 'order.returned']),
  occurred_at: z.iso.datetime(),
  order_id: z.int(),
});

const Invoice = z.object({
  number: z.string(),
  amount: z.number().min(0),
  currency: z.enum(['EUR', 'GBP', 'USD']),
  issued_on: z.iso.date(),
  paid_at: z.iso.datetime().nullable(),
});

/** The practice API: no real service, but one stream for each usual kind of listing. The simulator plays it. */
export default defineConnector({
  name: 'practice',
  docs: 'docs/connectors.md',
  params: z.object({ url: z.url() }),
  baseUrl: ({ params }) => params.url,
  auth: none(),
  limits: [],
  schedule: '1 hour',
  streams: (stream) => ({
    /** Numbered pages that tell their total; the second sync asks only for what changed. */
    orders: stream({
      request: ({ page, window }) => ({
        path: '/orders',
        query: {
          page: page.number,
          per_page: page.size,
          updated_since: window.from.iso,
          updated_before: window.to.iso,
        },
      }),
      paging: pages({ size: 100 }),
      records: (body) => body.orders,
      total: (reply) => reply.body.total,
      schema: Order,
      key: 'id',
      since: { field: (order) => order.updated_at, lookback: '5 minutes' },
    }),
    /** Offsets: neighbouring pages overlap by one record, which proves that nothing moved between them. */
    customers: stream({
      request: ({ page }) => ({ path: '/customers', query: { offset: page.offset, limit: page.size } }),
      paging: offsets({ size: 100 }),
      records: (body) => body.data,
      total: (reply) => reply.body.meta.total,
      schema: Customer,
      key: 'id',
    }),
    /** A chain: each page gives the cursor of the next one, and the last page gives none. */
    events: stream({
      request: ({ page }) => ({ path: '/events', query: { limit: page.size, cursor: page.cursor } }),
      paging: cursor({ size: 200, next: (reply) => reply.body.next_cursor }),
      records: (body) => body.events,
      schema: Event,
      key: 'id',
    }),
    /** A chain of `Link` headers, as RFC 8288 has them. */
    invoices: stream({
      request: ({ page }) => ({ path: '/invoices', query: { per_page: page.size } }),
      paging: links({ size: 100 }),
      records: (body) => body,
      schema: Invoice,
      key: 'number',
    }),
  }),
});
