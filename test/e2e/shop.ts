import * as z from 'zod';
import { bearer, defineConnector, pages } from '../../lib/core/connector/connector.ts';

const Order = z.object({ id: z.int(), updated_at: z.iso.datetime() });

/** An API of a few orders, whose answers may be hard on whoever reads them: they say so themselves. */
export default defineConnector({
  name: 'shop',
  docs: 'none',
  params: z.object({ url: z.url() }),
  baseUrl: ({ params }) => params.url,
  auth: bearer(),
  limits: [],
  schedule: '15 minutes',
  streams: (stream) => ({
    orders: stream({
      request: ({ page, window }) => ({
        path: '/orders',
        query: { page: page.number, per_page: page.size, since: window.from.iso },
      }),
      paging: pages({ size: 10 }),
      total: (reply) => reply.body.total,
      records: (body) => {
        if (body.kills) process.exit(1);
        for (const until = performance.now() + (body.spins ?? 0); performance.now() < until; );
        return body.orders;
      },
      schema: Order,
      key: 'id',
      since: { field: (order) => order.updated_at, lookback: '5 minutes' },
    }),
  }),
});
