import * as z from 'zod';
import { clientCredentials, cursor, defineConnector } from '../../../lib/core/connector/connector.ts';

const ORDERS = `query($n: Int!, $after: String, $q: String) {
  orders(first: $n, after: $after, query: $q, sortKey: UPDATED_AT) {
    nodes { id name updatedAt cancelledAt }
    pageInfo { hasNextPage endCursor }
  }
}`;

/**
 * Shopify's GraphQL Admin API (https://shopify.dev/docs/api/admin-graphql): limits are points of query cost, errors come with status 200, and the
 * token goes into a header of its own.
 */
export default defineConnector({
  name: 'shopify',
  docs: 'https://shopify.dev/docs/api/admin-graphql',
  params: z.object({ shop: z.string(), pointsPerSecond: z.int().min(60).default(100) }),
  baseUrl: ({ params }) => `https://${params.shop}.myshopify.com/admin/api/2026-10`,
  auth: clientCredentials({
    tokenUrl: ({ shop }: { shop: string; pointsPerSecond: number }) =>
      `https://${shop}.myshopify.com/admin/oauth/access_token`,
    authenticate: 'client_secret_post',
    sendAs: { header: 'X-Shopify-Access-Token' },
  }),
  limits: ({ params }) => [{ points: params.pointsPerSecond, per: '1 second' }],
  learn: ({ body }) => {
    const status = body?.extensions?.cost?.throttleStatus;
    return status && { left: status.currentlyAvailable, of: status.maximumAvailable };
  },
  errors: [
    {
      when: ({ body }) =>
        body?.errors?.some((error: { extensions?: { code?: string } }) => error.extensions?.code === 'THROTTLED'),
      is: 'throttled',
      wait: '2 seconds',
      because: 'the bucket of query cost is empty',
    },
  ],
  schedule: '15 minutes',
  streams: (stream) => ({
    orders: stream({
      cost: 60,
      request: ({ page, window }) => ({
        method: 'POST',
        path: '/graphql.json',
        json: {
          query: ORDERS,
          variables: {
            n: page.size,
            after: page.cursor,
            q: `updated_at:>='${window.from.iso}' updated_at:<'${window.to.iso}'`,
          },
        },
      }),
      paging: cursor({
        size: 100,
        next: ({ body }) => (body.data.orders.pageInfo.hasNextPage ? body.data.orders.pageInfo.endCursor : null),
        max: 25_000,
      }),
      records: (body) => body.data.orders.nodes,
      schema: z.object({
        id: z.string().regex(/^gid:\/\/shopify\/Order\/\d+$/),
        name: z.string(),
        updatedAt: z.iso.datetime(),
        cancelledAt: z.iso.datetime().nullable(),
      }),
      key: 'id',
      since: { field: (order) => order.updatedAt, lookback: '5 minutes', start: '2006-01-01T00:00:00Z' },
      slices: { width: '90 days', least: '1 second' },
      full: '7 days',
    }),
  }),
});
