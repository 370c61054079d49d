import * as z from 'zod';
import { defineConnector, none, pages } from '../../lib/core/connector/connector.ts';

/** An API of several accounts, told apart by a parameter. */
export default defineConnector({
  name: 'accounts',
  docs: 'none',
  params: z.object({ url: z.url(), org: z.string() }),
  baseUrl: ({ params }) => params.url,
  auth: none(),
  limits: [{ requests: 20, per: '1 second' }],
  streams: (stream) => ({
    rows: stream({
      request: ({ params, page, window }) => ({
        path: `/${params.org}/rows`,
        query: { page: page.number, since: window.from.iso },
      }),
      paging: pages({ size: 10 }),
      total: (reply) => reply.body.total,
      records: (body) => body.rows,
      schema: z.object({ id: z.string(), updated: z.iso.datetime() }),
      key: 'id',
      since: { field: (row) => row.updated, lookback: '1 minute' },
    }),
  }),
});
