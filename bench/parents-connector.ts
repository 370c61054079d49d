import * as z from 'zod';
import { cursor, defineConnector, none, pages } from '../lib/core/connector/connector.ts';

/** Children that are listed parent by parent. */
export default defineConnector({
  name: 'family',
  docs: 'bench/parents.ts',
  params: z.object({ url: z.url() }),
  baseUrl: ({ params }) => params.url,
  auth: none(),
  limits: [],
  errors: [{ when: (reply) => reply.status === 404, is: 'empty', because: 'the parent has vanished' }],
  streams: (stream) => ({
    parents: stream({
      request: ({ page }) => ({ path: '/parents', query: { page: page.number } }),
      paging: pages({ size: 100 }),
      records: (body) => body.rows,
      total: (reply) => reply.body.total,
      schema: z.object({ id: z.int() }),
      key: 'id',
    }),
    children: stream({
      each: { of: 'parents', pick: (parent) => parent.id as number },
      request: ({ parent, page }) => ({ path: `/parents/${parent}/children`, query: { cursor: page.cursor } }),
      paging: cursor({ size: 100, next: (reply) => reply.body.next }),
      records: (body) => body.rows,
      schema: z.object({ id: z.int(), name: z.string() }),
      key: 'id',
    }),
  }),
});
