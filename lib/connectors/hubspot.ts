import * as z from 'zod';
import { bearer, cursor, defineConnector, keyset, one } from '../core/connector/connector.ts';

/** A CRM object as search and list give it (https://developers.hubspot.com/docs/api-reference/search/guide). */
const CrmObject = z.looseObject({
  /** A number, in text: whatever is longer than one search reaches is walked by it. */
  id: z.string().regex(/^\d+$/),
  properties: z.record(z.string(), z.string().nullable()),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  archived: z.boolean(),
});

/** Contacts call their date of change by another name than all other objects. */
const OBJECTS = {
  contacts: 'lastmodifieddate',
  companies: 'hs_lastmodifieddate',
  deals: 'hs_lastmodifieddate',
} as const;

/** No search goes further than this many records (same page, "Limitations"). */
const SEARCHED = 10_000;

type Window = { from: { millis: number }; to: { millis: number } };
/** HubSpot's `BETWEEN` includes both ends: what changed in a slice's last millisecond comes twice. */
const within = (property: string, { from, to }: Window) => ({
  propertyName: property,
  operator: 'BETWEEN',
  value: String(from.millis),
  highValue: String(to.millis),
});

/**
 * Objects are searched by their date of change, since no list of HubSpot can be asked for what changed. A search ends after
 * 10,000 records, so it is cut into slices of time; a second in which more than that was changed is walked by id.
 */
export default defineConnector({
  name: 'hubspot',
  docs: 'https://developers.hubspot.com/docs',
  params: z.object({ api: z.url().default('https://api.hubapi.com') }),
  baseUrl: ({ params }) => params.api,
  auth: bearer(),
  // https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines, of a private app on Professional.
  limits: [
    { requests: 190, per: '10 seconds', burst: 20 },
    { requests: 650_000, per: '1 day', share: 0.5, scope: 'connection', window: 'fixed' },
  ],
  errors: [
    {
      when: (reply) => reply.status === 429 && reply.body?.policyName === 'DAILY',
      is: 'throttled',
      wait: '1 hour',
      because: 'the daily quota of the portal is spent',
    },
  ],
  schedule: '1 hour',
  streams: (stream) => ({
    ...Object.fromEntries(
      Object.entries(OBJECTS).flatMap(([object, changed]) => [
        [
          object,
          stream({
            setup: {
              request: () => ({ path: `/crm/v3/properties/${object}` }),
              read: ({ body }) =>
                z
                  .array(z.object({ name: z.string() }))
                  .parse(body.results)
                  .map(({ name }) => name),
            },
            request: ({ page, window, setup }) => ({
              method: 'POST',
              path: `/crm/v3/objects/${object}/search`,
              json: {
                limit: page.size,
                after: page.cursor,
                properties: setup,
                sorts: [{ propertyName: changed, direction: 'ASCENDING' }],
                filterGroups: [{ filters: [within(changed, window)] }],
              },
            }),
            paging: cursor({ size: 200, next: (reply) => reply.body.paging?.next?.after, max: SEARCHED }),
            records: (body) => body.results,
            total: (reply) => reply.body.total,
            schema: CrmObject,
            key: 'id',
            map: ({ id, properties, createdAt, updatedAt }) => ({ id, createdAt, updatedAt, ...properties }),
            since: { field: (record) => record.updatedAt, lookback: '5 minutes', start: '2006-01-01T00:00:00Z' },
            slices: {
              width: '30 days',
              least: '1 second',
              byKey: {
                request: ({ page, window, setup }) => ({
                  method: 'POST',
                  path: `/crm/v3/objects/${object}/search`,
                  json: {
                    limit: page.size,
                    properties: setup,
                    sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
                    filterGroups: [
                      {
                        filters: [
                          within(changed, window),
                          { propertyName: 'hs_object_id', operator: 'GT', value: String(page.after ?? 0) },
                        ],
                      },
                    ],
                  },
                }),
                paging: keyset({
                  size: 200,
                  after: (last) => Number(last.id),
                  more: (reply) => reply.body.paging?.next?.after !== undefined,
                }),
              },
            },
            limits: [{ requests: 5, per: '1 second' }],
            full: '7 days',
          }),
        ],
        [
          `${object}Archived`,
          stream({
            request: ({ page }) => ({
              path: `/crm/v3/objects/${object}`,
              query: { archived: true, limit: page.size, after: page.cursor },
            }),
            paging: cursor({ size: 100, next: (reply) => reply.body.paging?.next?.after }),
            records: (body) => body.results,
            schema: CrmObject,
            key: 'id',
            deleted: () => true,
            schedule: '1 day',
          }),
        ],
      ]),
    ),
    /** Which companies each contact belongs to. A contact without any is not in the answer. */
    contactCompanies: stream({
      each: { of: 'contacts', pick: (contact) => String(contact.id), together: 1_000 },
      request: ({ parents }) => ({
        method: 'POST',
        path: '/crm/v4/associations/contacts/companies/batch/read',
        json: { inputs: parents.map((id) => ({ id })) },
      }),
      // One answer holds all of them: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide.
      paging: one(),
      records: (body) => body.results,
      schema: z.looseObject({
        from: z.object({ id: z.string() }),
        to: z.array(z.looseObject({ toObjectId: z.int() })),
      }),
      key: 'from',
      schedule: '1 day',
    }),
  }),
});
