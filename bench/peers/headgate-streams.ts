import * as z from 'zod';
import { type Auth, cursor, defineConnector, links, offsets, one, pages } from '../../lib/core/connector/connector.ts';

const SIDE_BY_SIDE = 20;
const rowSchema = z.object({
  id: z.union([z.int(), z.bigint()]),
  name: z.string(),
  email: z.string(),
  status: z.string(),
  total: z.number(),
  updated_at: z.iso.datetime(),
});

type Params = { url: string };

/** The API of the bench in Headgate's words: a stream for each kind of paging, `s1` to `s20` for listings that are read side by side. */
export function peersConnector<G>(auth: Auth<Params, G>) {
  return defineConnector({
    name: 'peers',
    docs: 'bench/peers',
    params: z.object({ url: z.url() }),
    baseUrl: ({ params }) => params.url,
    auth,
    limits: [],
    streams: (stream) => {
      const shared = { records: (body: { rows: unknown[] }) => body.rows, schema: rowSchema, key: 'id' } as const;
      const numbered = (path: string) =>
        stream({
          ...shared,
          request: ({ page }) => ({ path, query: { page: page.number, size: page.size } }),
          paging: pages({ size: 100 }),
          total: (reply) => reply.body.total,
        });
      return {
        pages: numbered('/rows'),
        offsets: stream({
          ...shared,
          request: ({ page }) => ({ path: '/rows', query: { offset: page.offset, size: page.size } }),
          paging: offsets({ size: 100 }),
          total: (reply) => reply.body.total,
        }),
        cursor: stream({
          ...shared,
          request: ({ page }) => ({ path: '/rows', query: { cursor: page.cursor, size: page.size } }),
          paging: cursor({ size: 100, next: (reply) => reply.body.next }),
        }),
        links: stream({
          ...shared,
          request: ({ page }) => ({ path: '/rows', query: { size: page.size } }),
          paging: links({ size: 100 }),
        }),
        one: stream({ ...shared, request: () => ({ path: '/rows' }), paging: one() }),
        parents: numbered('/parents'),
        children: stream({
          ...shared,
          each: { of: 'parents', pick: (parent) => parent.id as number },
          request: ({ parent }) => ({ path: `/parents/${parent}/children` }),
          paging: one(),
        }),
        ...Object.fromEntries(
          Array.from({ length: SIDE_BY_SIDE }, (_, index) => [`s${index + 1}`, numbered(`/s${index + 1}`)]),
        ),
      };
    },
  });
}
