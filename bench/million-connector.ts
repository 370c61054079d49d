import * as z from 'zod';
import { cursor, defineConnector, none, offsets, pages } from '../lib/core/connector/connector.ts';

/** One listing, in three ways. */
export default defineConnector({
  name: 'million',
  docs: 'bench/million.ts',
  params: z.object({ url: z.url() }),
  baseUrl: ({ params }) => params.url,
  auth: none(),
  limits: [],
  streams: (stream) => {
    const shared = {
      records: (body: { rows: unknown[] }) => body.rows,
      schema: z.object({ id: z.int(), name: z.string() }),
      key: 'id',
    } as const;
    return {
      pages: stream({
        ...shared,
        request: ({ page }) => ({ path: '/rows', query: { page: page.number, size: page.size } }),
        paging: pages({ size: 100 }),
        total: (reply) => reply.body.total,
      }),
      offsets: stream({
        ...shared,
        request: ({ page }) => ({ path: '/rows', query: { offset: page.offset, size: page.size } }),
        paging: offsets({ size: 100 }),
        total: (reply) => reply.body.total,
      }),
      cursor: stream({
        ...shared,
        request: ({ page }) => ({ path: '/rows', query: { offset: page.cursor, size: page.size } }),
        paging: cursor({ size: 100, next: (reply) => reply.body.next }),
      }),
    };
  },
});
