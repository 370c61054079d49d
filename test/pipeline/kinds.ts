import * as z from 'zod';
import {
  cursor,
  defineConnector,
  keyset,
  links,
  none,
  offsets,
  pages,
  type Stream,
} from '../../lib/core/connector/connector.ts';
import { type Api, json } from './world.ts';

/** One small connector for each kind of paging, and an honest API for all of them. */

export const Row = z.object({ id: z.number() });
export const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id }));

/** A connector with one stream, `rows`. */
export const connectorOf = (
  stream: (define: Parameters<Parameters<typeof defineConnector>[0]['streams']>[0]) => Stream,
) =>
  defineConnector({
    name: 'test',
    docs: 'none',
    baseUrl: 'http://api.test',
    params: z.object({}),
    auth: none(),
    limits: [],
    streams: (define) => ({ rows: stream(define) }),
  });

export const numbered = (total: boolean) =>
  connectorOf((stream) =>
    stream({
      request: ({ page }) => ({ path: '/rows', query: { page: page.number, size: page.size } }),
      paging: pages({ size: 10 }),
      records: (body) => body.rows,
      schema: Row,
      key: 'id',
      ...(total ? { total: (reply) => reply.body.total } : {}),
    }),
  );

const byOffset = (total: boolean) =>
  connectorOf((stream) =>
    stream({
      request: ({ page }) => ({ path: '/rows', query: { offset: page.offset, size: page.size } }),
      paging: offsets({ size: 10 }),
      records: (body) => body.rows,
      schema: Row,
      key: 'id',
      ...(total ? { total: (reply) => reply.body.total } : {}),
    }),
  );

/** An honest API over some rows, for pages, offsets, cursors, keysets and links alike. */
export const honest =
  (all: readonly { id: number }[]): Api =>
  ({ query, url }) => {
    const size = Number(query.get('size'));
    const number = query.get('page');
    const start =
      number !== null ? (Number(number) - 1) * size : Number(query.get('offset') ?? query.get('cursor') ?? 0);
    const found = all.slice(start, start + size);
    const next = start + size < all.length ? start + size : null;
    const link = new URL(url);
    link.searchParams.set('offset', String(next));
    return json(
      { rows: found, total: all.length, next, more: next !== null },
      { link: `<${next === null ? '?page=last' : link.href}>; rel="${next === null ? 'last' : 'next'}"` },
    );
  };

export const kinds = {
  'pages with a total': { connector: numbered(true), evidence: 'count' },
  'offsets with a total': { connector: byOffset(true), evidence: 'overlap' },
  'offsets without a total': { connector: byOffset(false), evidence: 'overlap' },
  cursor: {
    connector: connectorOf((stream) =>
      stream({
        request: ({ page }) => ({ path: '/rows', query: { cursor: page.cursor, size: page.size } }),
        paging: cursor({ size: 10, next: (reply) => reply.body.next }),
        records: (body) => body.rows,
        schema: Row,
        key: 'id',
      }),
    ),
    evidence: 'end',
  },
  keyset: {
    connector: connectorOf((stream) =>
      stream({
        request: ({ page }) => ({
          path: '/rows',
          query: { offset: page.after === undefined ? 0 : Number(page.after) + 1, size: page.size },
        }),
        paging: keyset({ size: 10, after: (last) => last.id, more: (reply) => reply.body.more }),
        order: 'by key',
        records: (body) => body.rows,
        schema: Row,
        key: 'id',
      }),
    ),
    evidence: 'key',
  },
  links: {
    connector: connectorOf((stream) =>
      stream({
        request: ({ page }) => ({ path: '/rows', query: { size: page.size } }),
        paging: links({ size: 10 }),
        records: (body) => body.rows,
        schema: Row,
        key: 'id',
      }),
    ),
    evidence: 'end',
  },
} as const;
