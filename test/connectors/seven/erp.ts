import * as z from 'zod';
import { defineConnector, pages, signed } from '../../../lib/core/connector/connector.ts';

/** What every company has: an API of its own, with signed requests, numbered pages that end at a thousand, and 200 for its errors. */
export default defineConnector({
  name: 'erp',
  docs: 'https://wiki.example.com/erp',
  params: z.object({ url: z.url(), plant: z.string() }),
  baseUrl: ({ params }) => params.url,
  auth: signed({
    secret: z.object({ keyId: z.string().min(1), key: z.string().min(1) }),
    sign: ({ method, path }, { hmac, time, secret }) => ({
      headers: {
        date: time.http,
        'x-signature': hmac('sha256', secret.key, `${method}\n${path}\n${time.http}`, 'hex'),
        'x-key-id': secret.keyId,
      },
    }),
  }),
  limits: [{ requests: 2, per: '1 second' }],
  concurrency: 2,
  errors: [{ when: ({ body }) => body?.status === 'ERROR', is: 'failure', because: '200 with an error inside' }],
  schedule: '1 hour',
  streams: (stream) => ({
    orderLines: stream({
      request: ({ params, page, window }) => ({
        path: '/api/v2/order-lines',
        query: {
          plant: params.plant,
          page: page.number,
          pageSize: page.size,
          changedFrom: window.from.iso,
          changedTo: window.to.iso,
        },
        headers: { 'x-tenant': params.plant },
      }),
      paging: pages({ size: 500, max: 500_000 }),
      records: (body) => body.items,
      total: (reply) => reply.body.totalCount,
      schema: z.object({ orderNo: z.string(), lineNo: z.int(), changed: z.iso.datetime(), deleted: z.boolean() }),
      key: ['orderNo', 'lineNo'],
      deleted: (line) => line.deleted,
      since: { field: (line) => line.changed, lookback: '10 minutes', start: '2015-01-01T00:00:00Z' },
      slices: { width: '365 days', least: '1 minute' },
      full: '7 days',
    }),
  }),
});
