import * as z from 'zod';
import {
  type Connector,
  cursor,
  defineConnector,
  keyset,
  links,
  none,
  offsets,
  pages,
  type Raw,
  type Rule,
  type Span,
  type Stream,
} from '../../lib/core/connector/connector.ts';
import { BEGINNING } from './rows.ts';

export type Kind = 'pages' | 'offsets' | 'cursor' | 'keyset' | 'links';
export type Shape = {
  readonly size?: number;
  /** The page tells the total. */
  readonly total?: boolean;
  readonly count?: 'exact' | 'about';
  readonly max?: number;
  readonly expires?: Span;
  readonly order?: 'oldest first' | 'by key';
  /** It is incremental, and cut into slices of this width. */
  readonly slices?: Span;
  readonly byKey?: boolean;
  /** Its rows are listed parent by parent, and so many parents in one request. */
  readonly each?: number;
};

const RowSchema = z.object({ id: z.number(), at: z.number() });

/** What such an API means by its statuses. */
export const errors: readonly Rule[] = [
  { when: (reply) => reply.status === 410, is: 'restart', because: 'the cursor has expired' },
  { when: (reply) => reply.status === 404, is: 'empty', because: 'the parent is gone' },
];

/** A connector with one stream, `rows`, that lists the API in this way. */
export const hostileConnector = (kind: Kind, shape: Shape = {}): Connector =>
  defineConnector({
    name: 'test',
    docs: 'none',
    baseUrl: 'http://api.test',
    params: z.object({}),
    auth: none(),
    limits: [],
    errors,
    streams: () => hostileStreams('rows', kind, shape),
  });

type At = { readonly page: Raw; readonly window: Raw; readonly parents: readonly unknown[] };

/**
 * The stream of this name, and that of its parents, if it has any. `under`: what the paths begin with. `now`: when the rows end, epoch
 * milliseconds.
 */
export function hostileStreams(
  name: string,
  kind: Kind,
  { size = 10, max, expires, order, total, count, slices, byKey, each }: Shape,
  { under = '', now = BEGINNING } = {},
): Record<string, Stream> {
  const asks = (query: (page: Raw) => Record<string, string | number | undefined>) => (at: At) => ({
    path: `${under}/rows`,
    query: {
      ...query(at.page),
      ...(slices === undefined ? {} : { from: at.window.from.millis, to: at.window.to.millis }),
      ...(each === undefined ? {} : { parents: at.parents.join() }),
    },
  });
  const limits = { ...(max === undefined ? {} : { max }), ...(expires === undefined ? {} : { expires }) };
  const walkedByKey = {
    request: asks((page) => ({ after: page.after, size: page.size })),
    paging: keyset({ size, after: (last) => last.id, more: (reply) => reply.body.more }),
  };
  const listings: Record<Kind, Pick<Stream, 'request' | 'paging'>> = {
    pages: {
      request: asks((page) => ({ page: page.number, size: page.size })),
      paging: pages({ size, ...limits }),
    },
    offsets: {
      request: asks((page) => ({ offset: page.offset, size: page.size })),
      paging: offsets({ size, ...limits }),
    },
    cursor: {
      request: asks((page) => ({ after: page.cursor, size: page.size })),
      paging: cursor({ size, next: (reply) => reply.body.next, ...limits }),
    },
    keyset: walkedByKey,
    links: { request: asks((page) => ({ size: page.size })), paging: links({ size, ...limits }) },
  };
  const rows: Stream = {
    ...listings[kind],
    records: (body) => body.rows,
    schema: RowSchema,
    key: 'id',
    ...(order === undefined ? (kind === 'cursor' || kind === 'keyset' ? { order: 'by key' } : {}) : { order }),
    ...(total ? { total: (reply) => reply.body.total } : {}),
    ...(count === undefined
      ? {}
      : {
          count: {
            request: (at) => ({ ...asks(() => ({}))(at), path: `${under}/count` }),
            read: (reply) => reply.body.count,
            exact: count === 'exact',
          },
        }),
    ...(slices === undefined
      ? {}
      : {
          since: { field: (row) => row.at, lookback: '1 minute', start: new Date(now - 300 * 60_000).toISOString() },
          slices: { width: slices, least: '1 minute', ...(byKey ? { byKey: walkedByKey } : {}) },
        }),
    ...(each === undefined
      ? {}
      : { each: { of: `${name}-parents`, pick: (parent) => parent.id as number, together: each } }),
  };
  if (each === undefined) return { [name]: rows };
  const parents: Stream = {
    request: ({ page }) => ({ path: `${under}/parents`, query: { page: page.number, size: page.size } }),
    paging: pages({ size: 100 }),
    records: (body) => body.rows,
    total: (reply) => reply.body.total,
    schema: z.object({ id: z.number() }),
    key: 'id',
  };
  return { [name]: rows, [`${name}-parents`]: parents };
}
