import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import { type Connector, cursor, defineConnector, keyset, links, none, pages } from '../../lib/core/connector.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { held, walk } from './walk.ts';

/** How connectors of well-known APIs are written, with what works today. */
const hubspot = defineConnector({
  name: 'hubspot',
  docs: 'https://developers.hubspot.com/docs',
  baseUrl: 'https://api.hubapi.com',
  params: z.object({}),
  auth: none(),
  limits: [],
  streams: (stream) => ({
    contacts: stream({
      request: ({ page, window }) => ({
        method: 'POST',
        path: '/crm/v3/objects/contacts/search',
        json: {
          limit: page.size,
          after: page.cursor,
          sorts: ['lastmodifieddate'],
          filterGroups: [
            {
              filters: [
                {
                  propertyName: 'lastmodifieddate',
                  operator: 'BETWEEN',
                  value: window.from.millis,
                  highValue: window.to.millis,
                },
              ],
            },
          ],
        },
      }),
      paging: cursor({ size: 200, next: (reply) => reply.body.paging?.next?.after }),
      records: (body) => body.results,
      total: (reply) => reply.body.total,
      schema: z.object({
        id: z.string(),
        updatedAt: z.string(),
        properties: z.record(z.string(), z.string().nullable()),
      }),
      key: 'id',
      since: { field: (contact) => contact.updatedAt, lookback: '5 minutes' },
    }),
  }),
});

const salesforce = defineConnector({
  name: 'salesforce',
  docs: 'https://developer.salesforce.com/docs',
  baseUrl: ({ params }) => `https://${params.domain}.my.salesforce.com`,
  params: z.object({ domain: z.string() }),
  auth: none(),
  limits: [],
  streams: (stream) =>
    Object.fromEntries(
      ['Account', 'Contact'].map((object) => [
        object,
        stream({
          request: ({ window, page }) => ({
            path: '/services/data/v66.0/queryAll',
            headers: { 'Sforce-Query-Options': `batchSize=${page.size}` },
            query: {
              q: `SELECT Id,IsDeleted,SystemModstamp FROM ${object} WHERE SystemModstamp >= ${window.from.iso} AND SystemModstamp < ${window.to.iso} ORDER BY SystemModstamp,Id`,
            },
          }),
          paging: links({ size: 200, next: (reply) => reply.body.nextRecordsUrl }),
          records: (body) => body.records,
          total: (reply) => reply.body.totalSize,
          schema: z.looseObject({ Id: z.string(), IsDeleted: z.boolean(), SystemModstamp: z.string() }),
          key: 'Id',
          since: { field: (record) => record.SystemModstamp, lookback: '10 minutes' },
        }),
      ]),
    ),
});

const stripe = defineConnector({
  name: 'stripe',
  docs: 'https://docs.stripe.com/api',
  baseUrl: 'https://api.stripe.com',
  params: z.object({}),
  auth: none(),
  limits: [],
  streams: (stream) => ({
    charges: stream({
      request: ({ page, window }) => ({
        path: '/v1/charges',
        query: {
          limit: page.size,
          starting_after: page.after,
          'created[gte]': window.from.seconds,
          'created[lt]': window.to.seconds,
        },
      }),
      paging: keyset({ size: 100, after: (charge) => charge.id, more: (reply) => reply.body.has_more }),
      records: (body) => body.data,
      schema: z.looseObject({
        id: z.string().regex(/^ch_[A-Za-z0-9]{24}$/),
        created: z.int(),
        currency: z.string().regex(/^[a-z]{3}$/),
      }),
      key: 'id',
      order: 'newest first',
      since: { field: (charge) => charge.created, lookback: '1 hour' },
    }),
  }),
});

const jira = defineConnector({
  name: 'jira',
  docs: 'https://developer.atlassian.com/cloud/jira',
  params: z.object({ site: z.url() }),
  auth: none(),
  baseUrl: ({ params }) => params.site,
  limits: [],
  streams: (stream) => ({
    issues: stream({
      request: ({ page, window }) => ({
        method: 'POST',
        path: '/rest/api/3/search/jql',
        json: {
          jql: `updated >= ${window.from.millis} AND updated < ${window.to.millis} ORDER BY updated ASC, key ASC`,
          maxResults: page.size,
          nextPageToken: page.cursor,
          fields: ['*all'],
        },
      }),
      paging: cursor({ size: 100, next: (reply) => reply.body.nextPageToken }),
      records: (body) => body.issues,
      schema: z.looseObject({ id: z.string(), fields: z.looseObject({ updated: z.string() }) }),
      key: 'id',
      since: { field: (issue) => issue.fields.updated, lookback: '2 minutes' },
    }),
    projects: stream({
      request: ({ page }) => ({
        path: '/rest/api/3/project/search',
        query: { startAt: page.number * page.size, maxResults: page.size },
      }),
      paging: pages({ size: 50, first: 0 }),
      records: (body) => body.values,
      total: (reply) => reply.body.total,
      schema: z.looseObject({ id: z.string() }),
      key: 'id',
    }),
  }),
});

const shopify = defineConnector({
  name: 'shopify',
  docs: 'https://shopify.dev/docs/api/admin-graphql',
  params: z.object({ shop: z.string() }),
  baseUrl: ({ params }) => `https://${params.shop}.myshopify.com/admin/api/2026-10`,
  auth: none(),
  limits: [],
  streams: (stream) => ({
    orders: stream({
      request: ({ page, window }) => ({
        method: 'POST',
        path: '/graphql.json',
        json: {
          query:
            'query($n:Int!,$after:String,$q:String){orders(first:$n,after:$after,query:$q,sortKey:UPDATED_AT){nodes{id}}}',
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
      }),
      records: (body) => body.data.orders.nodes,
      schema: z.object({ id: z.string(), updatedAt: z.string(), name: z.string() }),
      key: 'id',
      since: { field: (order) => order.updatedAt, lookback: '5 minutes' },
    }),
  }),
});

const erp = defineConnector({
  name: 'erp',
  docs: 'https://wiki.example.com/erp',
  baseUrl: ({ params }) => `${params.url}/rest`,
  params: z.object({ url: z.url(), plant: z.string() }),
  auth: none(),
  limits: [],
  streams: (stream) => ({
    orderLines: stream({
      request: ({ params, page, window }) => ({
        path: '/api/v2/order-lines',
        query: {
          plant: params.plant,
          page: page.number,
          pageSize: page.size,
          changedFrom: window.from.iso,
          changedTo: window.to.iso,
        },
        headers: { 'x-tenant': params.plant },
      }),
      paging: pages({ size: 500 }),
      records: (body) => body.items,
      total: (reply) => reply.body.totalCount,
      schema: z.object({ orderNo: z.string(), lineNo: z.number(), changed: z.string(), deleted: z.boolean() }),
      key: ['orderNo', 'lineNo'],
      since: { field: (line) => line.changed, lookback: '10 minutes' },
    }),
  }),
});

describe('connectors of real APIs are simulated as they are written', () => {
  const all: readonly Connector[] = [hubspot, salesforce, stripe, jira, shopify, erp];
  for (const connector of all) {
    for (const [name, { order }] of Object.entries(connector.streams)) {
      test(`${connector.name}: ${name}`, async (t) => {
        const simulation = await simulate(connector, { records: 1_234 });
        t.after(simulation.stop);
        const found = await walk(connector, simulation, name);
        const half = Date.UTC(2020, 0, 1) + 617 * 10_000;
        const later = await walk(connector, simulation, name, { from: half, to: Date.UTC(2100, 0, 1) });
        const expected = held(simulation, name, 1_234);
        const since = connector.streams[name]?.since === undefined ? 0 : 617;
        const listed = (records: readonly unknown[]) => (order === 'newest first' ? records.toReversed() : records);
        assert.deepEqual(found, listed(expected));
        assert.deepEqual(later, listed(expected.slice(since)));
      });
    }
  }
});
