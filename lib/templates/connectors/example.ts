import { bearer, defineConnector, pages } from 'headgate/connector';
import * as z from 'zod';

/** One record as the API sends it. A field that is not listed is not delivered; `z.looseObject` delivers all. */
const Item = z.object({
  id: z.int(),
  name: z.string(),
  updated_at: z.iso.datetime(),
});

export default defineConnector({
  name: 'example',
  docs: 'https://docs.shop.example',
  // What differs from account to account and is no secret: --param url=https://…
  // No API can have a name that ends in ".example": the simulator answers in its place.
  params: z.object({ url: z.url().default('https://api.shop.example') }),
  baseUrl: ({ params }) => params.url,
  // Also none(), basic(), apiKey({ header: 'x-api-key' }), clientCredentials(), authorizationCode(), …
  auth: bearer(),
  // For example [{ requests: 100, per: '1 minute' }]
  limits: [],
  schedule: '1 hour',
  streams: (stream) => ({
    items: stream({
      // How one page is asked for. Every request must differ by its page.
      request: ({ page, window }) => ({
        path: '/items',
        query: { page: page.number, per_page: page.size, updated_since: window.from.iso },
      }),
      paging: pages({ size: 100 }),
      // Where the records are, and how many there are in all: with a total a receipt can say COMPLETE.
      records: (body) => body.items,
      total: (reply) => reply.body.total,
      schema: Item,
      key: 'id',
      // From the second sync on, ask only for what changed.
      since: { field: (item) => item.updated_at, lookback: '5 minutes' },
    }),
  }),
});
