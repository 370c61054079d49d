import * as z from 'zod';
import { bearer, cursor, defineConnector, keyset, one, type Raw } from '../core/connector/connector.ts';

/** A CRM object as search and list give it (https://developers.hubspot.com/docs/api-reference/search/guide). */
const CrmObject = z.looseObject({
  /** A number, in text: a search goes on after it. */
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

/**
 * No list of HubSpot can be asked for what changed, so objects are searched by their date of change. `after` of a search counts records, up to 10,000
 * (https://developers.hubspot.com/docs/api-reference/search/guide, "Paging through results"): an object that is edited meanwhile would move all others up.
 * So each page is a search of its own, for what has a higher id than the last record. Nothing leaves it, as it has no upper bound of time.
 */
export default defineConnector({
  name: 'hubspot',
  docs: 'https://developers.hubspot.com/docs',
  revision: 2,
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
    {
      // An object with more associations than one answer holds says where the rest begins (the associations guide, "Retrieve associated records").
      when: ({ body }) =>
        body.results.some((result: Raw) => result.to !== undefined && result.paging?.next !== undefined),
      is: 'failure',
      because: 'an object has more associations than one answer holds',
    },
    {
      // The usual answer of a batch read (same guide): an error for each object that has none.
      when: ({ status, body }) =>
        status === 207 &&
        body.errors.length > 0 &&
        body.errors.every((error: Raw) => /NO_ASSOCIATIONS_FOUND$/.test(error.subCategory)),
      is: 'page',
      because: 'objects without associations are listed as errors',
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
                properties: setup,
                sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
                filterGroups: [
                  {
                    filters: [
                      { propertyName: changed, operator: 'GTE', value: String(window.from.millis) },
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
            records: (body) => body.results,
            order: 'by key',
            schema: CrmObject,
            key: 'id',
            map: ({ id, properties, createdAt, updatedAt }) => ({ id, createdAt, updatedAt, ...properties }),
            since: { field: (record) => record.updatedAt, lookback: '5 minutes', start: '2006-01-01T00:00:00Z' },
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
