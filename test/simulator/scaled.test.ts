import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import hubspot from '../../lib/connectors/hubspot.ts';
import jira from '../../lib/connectors/jira.ts';
import stripe from '../../lib/connectors/stripe.ts';
import { dateMark } from '../../lib/core/connector/since.ts';
import { alone, ancestorsOf, scaled } from '../../lib/simulator/scaled.ts';

const sizeOf = (paging: object | undefined) => paging && Reflect.get(paging, 'size');

describe('a connector on a smaller scale', () => {
  it('has smaller pages and slices, fewer parents together, and begins later; a smaller one stays as it is', () => {
    const starts = { contacts: '2026-11-20T00:00:00.000Z' };
    const small = scaled(hubspot, { size: 10, together: 2, starts, widths: {} });
    const { contacts, contactsArchived, contactCompanies, deals } = small.streams;
    assert.deepEqual([sizeOf(contacts?.paging), sizeOf(contactsArchived?.paging)], [10, 10]);
    assert.deepEqual(
      [dateMark(contacts?.since)?.start, dateMark(deals?.since)?.start],
      ['2026-11-20T00:00:00.000Z', '2006-01-01T00:00:00Z'],
    );
    const { charges, refunds } = scaled(stripe, { widths: { charges: '1 day' } }).streams;
    assert.deepEqual([charges?.slices?.width, refunds?.slices?.width], ['1 day', '90 days']);
    assert.equal(contactCompanies?.each?.together, 2);
    assert.equal(contactCompanies?.paging.kind, 'one');
    assert.equal(sizeOf(scaled(jira, { size: 1_000 }).streams.issues?.paging), 100);
  });

  it('without a scale is the same', () => {
    assert.deepEqual(scaled(jira, {}).streams, jira.streams);
  });
});

describe('a stream alone', () => {
  it('has its ancestors with it', () => {
    assert.deepEqual(ancestorsOf(jira, 'comments'), ['issues']);
    assert.deepEqual(Object.keys(alone(jira, 'comments').streams).sort(), ['comments', 'issues']);
    assert.deepEqual(Object.keys(alone(jira, 'projects').streams), ['projects']);
  });
});
