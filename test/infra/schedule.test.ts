import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorError, type Span } from '../../lib/core/connector/connector.ts';
import { streamRate } from '../../lib/infra/schedule.ts';
import { connectorOf } from './erp.ts';

const rate = (schedule: Span) => streamRate(connectorOf('erp', { orders: schedule }), 'orders');

test('a schedule is taken in any unit that makes whole minutes', () => {
  assert.equal(rate('1 minute').toMinutes(), 1);
  assert.equal(rate('120 seconds').toMinutes(), 2);
  assert.equal(rate('1.5 hours').toMinutes(), 90);
  assert.equal(rate('1 day').toMinutes(), 1_440);
});

test('a schedule under a minute, or of half a minute too much, is refused in one sentence', () => {
  for (const schedule of ['30 seconds', '90 seconds'] as const) {
    assert.throws(() => rate(schedule), {
      name: ConnectorError.name,
      message: `Connector "erp", stream "orders": its schedule is "${schedule}", but must be a whole number of minutes, at least 1.`,
    });
  }
});
