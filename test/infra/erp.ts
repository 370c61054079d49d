import * as z from 'zod';
import { type Connector, defineConnector, none, pages, type Span } from '../../lib/core/connector/connector.ts';

/** A connector whose streams start as often as given. */
export const connectorOf = (name: string, schedules: Readonly<Record<string, Span>>): Connector =>
  defineConnector({
    name,
    docs: 'https://erp.example/docs',
    params: z.object({}),
    auth: none(),
    baseUrl: 'https://erp.example',
    limits: [],
    streams: (stream) =>
      Object.fromEntries(
        Object.entries(schedules).map(([path, schedule]) => [
          path,
          stream({
            request: ({ page }) => ({ path: `/${path}`, query: { page: page.number } }),
            paging: pages({ size: 100 }),
            records: (body) => body,
            schema: z.object({ id: z.number() }),
            key: 'id',
            schedule,
          }),
        ]),
      ),
  });

export default connectorOf('erp', { orders: '15 minutes', 'order-lines': '2 hours', order_lines: '1 day' });
