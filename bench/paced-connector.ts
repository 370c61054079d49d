import { bearer, defineConnector, type Limit, pages } from 'headgate/connector';
import * as z from 'zod';

/** A listing of numbered pages, whose limits each connection says: what `bench/rate.ts` measures with. */
export default defineConnector({
  name: 'paced',
  docs: 'bench/rate.ts',
  params: z.object({ url: z.url(), limits: z.array(z.custom<Limit>()) }),
  baseUrl: ({ params }) => params.url,
  auth: bearer(),
  limits: ({ params }) => params.limits,
  concurrency: 256,
  streams: (stream) => ({
    rows: stream({
      request: ({ page }) => ({ path: '/rows', query: { page: page.number, size: page.size } }),
      paging: pages({ size: 10 }),
      records: (body) => body.rows,
      total: (reply) => reply.body.total,
      schema: z.object({ id: z.int() }),
      key: 'id',
    }),
  }),
});
