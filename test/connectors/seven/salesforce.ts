import * as z from 'zod';
import { clientCredentials, defineConnector, links } from '../../../lib/core/connector/connector.ts';

/** Fields of each object that is read, besides those that all have. */
const OBJECTS = {
  accounts: { object: 'Account', fields: { Name: z.string(), Industry: z.string().nullable() } },
  contacts: { object: 'Contact', fields: { Email: z.email().nullable(), AccountId: z.string().nullable() } },
} as const;

/** Its own dates have an offset without a colon: `2026-11-20T08:15:00.000+0000`. */
const Stamp = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\+0000|Z)$/);

/**
 * Salesforce's REST API (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest): `queryAll` lists deleted records, too. What an
 * integration user may read is asked for with client credentials, at the org's own domain; the answer says where its data are, and not when
 * the token ends.
 */
export default defineConnector({
  name: 'salesforce',
  docs: 'https://developer.salesforce.com/docs',
  params: z.object({ domain: z.string() }),
  auth: clientCredentials({
    tokenUrl: ({ domain }: { domain: string }) => `https://${domain}.my.salesforce.com/services/oauth2/token`,
    lifetime: '1 hour',
    grant: z.object({ instance_url: z.url() }),
  }),
  baseUrl: ({ grant }) => grant.instance_url,
  // Of the whole org, for all that use its API.
  limits: [{ requests: 150_000, per: '1 day', share: 0.2 }],
  concurrency: 4,
  learn: (reply) => {
    const [, used, of] = /api-usage=(\d+)\/(\d+)/.exec(reply.header('sforce-limit-info') ?? '') ?? [];
    return used === undefined || of === undefined ? undefined : { used: Number(used), of: Number(of) };
  },
  errors: [
    {
      when: (reply) => reply.body?.[0]?.errorCode === 'REQUEST_LIMIT_EXCEEDED',
      is: 'throttled',
      wait: '15 minutes',
      because: 'the org has used up its requests of 24 hours',
    },
    {
      when: (reply) => reply.body?.[0]?.errorCode === 'INVALID_QUERY_LOCATOR',
      is: 'restart',
      because: 'a query locator lives for two days, or as long as its session',
    },
  ],
  schedule: '1 hour',
  streams: (stream) =>
    Object.fromEntries(
      Object.entries(OBJECTS).map(([name, { object, fields }]) => [
        name,
        stream({
          request: ({ window: { from, to }, page }) => ({
            path: '/services/data/v66.0/queryAll',
            headers: { 'sforce-query-options': `batchSize=${page.size}` },
            query: {
              q: `SELECT Id,IsDeleted,SystemModstamp,${Object.keys(fields).join()} FROM ${object} WHERE SystemModstamp >= ${from.iso} AND SystemModstamp < ${to.iso} ORDER BY SystemModstamp,Id`,
            },
          }),
          paging: links({ size: 2_000, next: (reply) => reply.body.nextRecordsUrl, expires: '2 days' }),
          records: (body) => body.records,
          total: (reply) => reply.body.totalSize,
          schema: z.looseObject({ Id: z.string(), IsDeleted: z.boolean(), SystemModstamp: Stamp, ...fields }),
          key: 'Id',
          deleted: (record) => record.IsDeleted === true,
          since: {
            field: (record) => String(record.SystemModstamp),
            lookback: '10 minutes',
            start: '1999-03-01T00:00:00Z',
          },
          slices: { width: '365 days', least: '1 second' },
          full: '7 days',
        }),
      ]),
    ),
});
