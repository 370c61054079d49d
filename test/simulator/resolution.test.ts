import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { defineConnector, type Instant, none, pages } from '../../lib/core/connector/connector.ts';
import { DAY, MINUTE, SECOND } from '../../lib/core/time.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { resolutionOf } from '../../lib/simulator/resolution.ts';

const told = (write: (at: Instant) => string | number, schema: z.ZodType<string, string> = z.iso.datetime()) =>
  modelOf(
    defineConnector({
      ...{ name: 'dated', docs: '', params: z.object({}), baseUrl: 'https://a.test', auth: none(), limits: [] },
      streams: (stream) => ({
        rows: stream({
          request: ({ page, window }) => ({
            path: '/rows',
            query: { page: page.number, from: write(window.from), to: write(window.to) },
          }),
          ...{ paging: pages({ size: 10 }), records: (body) => body, key: 'id' },
          schema: z.object({ id: z.int(), at: schema }),
          since: { field: (row) => row.at, lookback: '1 day' },
        }),
      }),
    }),
    { records: 2 },
  );

describe('how exactly dates are told', () => {
  it('by requests', () => {
    assert.equal(
      resolutionOf(
        told(({ seconds }) => seconds),
        'rows',
      ),
      SECOND,
    );
    assert.equal(
      resolutionOf(
        told(({ iso }) => `${iso.slice(0, 10)} ${iso.slice(11, 16)}`),
        'rows',
      ),
      MINUTE,
    );
    assert.equal(
      resolutionOf(
        told(({ iso }) => iso.slice(0, 10)),
        'rows',
      ),
      DAY,
    );
  });

  it('by records', () => {
    assert.equal(
      resolutionOf(
        told(({ iso }) => iso, z.iso.date()),
        'rows',
      ),
      DAY,
    );
  });
});
