import * as z from 'zod';
import { basic, cursor, defineConnector, pages } from '../core/connector/connector.ts';

const Issue = z.looseObject({
  id: z.string(),
  key: z.string(),
  fields: z.looseObject({ updated: z.string(), created: z.string(), summary: z.string().nullish() }),
});

/** JQL compares dates with epoch milliseconds, too. */
const during = ({ from, to }: { from: { millis: number }; to: { millis: number } }): string =>
  `updated >= ${from.millis} AND updated < ${to.millis}`;

/**
 * Jira Cloud, by an account's e-mail address and API token. The enhanced search has no total, but a count of its own, which is an estimate
 * (https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search).
 */
export default defineConnector({
  name: 'jira',
  docs: 'https://developer.atlassian.com/cloud/jira/platform/rest/v3',
  revision: 2,
  params: z.object({ site: z.url() }),
  baseUrl: ({ params }) => params.site,
  auth: basic(),
  // https://developer.atlassian.com/cloud/jira/platform/rate-limiting: points an hour, requests a second.
  limits: [
    { points: 65_000, per: '1 hour', burst: 5_000, scope: 'connector', share: 0.8 },
    { requests: 100, per: '1 second' },
  ],
  errors: [
    {
      // A wrong or expired token is served as an anonymous caller: 200, and no issues. Only this header tells
      // (https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis, "CAPTCHA"; seen with AUTHENTICATED_FAILED).
      when: (reply) => /AUTHENTICAT\w+_(FAILED|DENIED)/.test(reply.header('x-seraph-loginreason') ?? ''),
      is: 'reauthorise',
      because: 'the API does not take the token, and answers as it does to nobody',
    },
    {
      when: (reply) => reply.status === 400 && /nextPageToken/i.test(JSON.stringify(reply.body)),
      is: 'restart',
      because: 'the token of the next page has expired',
    },
    {
      // Not every 404: a site that is spelt wrong has one for everything.
      when: (reply) => reply.status === 404 && /issue does not exist/i.test(JSON.stringify(reply.body)),
      is: 'empty',
      because: 'the issue was deleted meanwhile',
    },
  ],
  schedule: '1 hour',
  streams: (stream) => ({
    issues: stream({
      // One point for each issue of a page, and one for the request.
      cost: 101,
      request: ({ page, window }) => ({
        method: 'POST',
        path: '/rest/api/3/search/jql',
        json: {
          jql: `${during(window)} ORDER BY updated ASC, key ASC`,
          maxResults: page.size,
          nextPageToken: page.cursor,
          // Of comments and worklogs an issue has the first 20 only: they are streams of their own.
          fields: ['*all', '-comment', '-worklog'],
        },
      }),
      paging: cursor({ size: 100, next: (reply) => reply.body.nextPageToken, expires: '7 days' }),
      records: (body) => body.issues,
      count: {
        request: ({ window }) => ({
          method: 'POST',
          path: '/rest/api/3/search/approximate-count',
          json: { jql: during(window) },
        }),
        read: (reply) => reply.body.count,
        exact: false,
      },
      schema: Issue,
      key: 'id',
      since: { field: (issue) => issue.fields.updated, lookback: '2 minutes', start: '2002-01-01T00:00:00Z' },
      slices: { width: '365 days', least: '1 minute' },
      full: '7 days',
    }),
    comments: stream({
      each: { of: 'issues', pick: (issue) => String(issue.id) },
      request: ({ parent, page }) => ({
        path: `/rest/api/3/issue/${parent}/comment`,
        query: { startAt: page.number * page.size, maxResults: page.size, orderBy: 'created' },
      }),
      paging: pages({ size: 100, first: 0 }),
      records: (body) => body.comments,
      total: (reply) => reply.body.total,
      schema: z.looseObject({ id: z.string(), created: z.string(), updated: z.string() }),
      key: 'id',
      map: (comment, { parent }) => ({ issue: parent, ...comment }),
      schedule: '1 day',
    }),
    worklogs: stream({
      each: { of: 'issues', pick: (issue) => String(issue.id) },
      request: ({ parent, page }) => ({
        path: `/rest/api/3/issue/${parent}/worklog`,
        query: { startAt: page.number * page.size, maxResults: page.size },
      }),
      paging: pages({ size: 1_000, first: 0 }),
      records: (body) => body.worklogs,
      total: (reply) => reply.body.total,
      schema: z.looseObject({ id: z.string(), started: z.string(), timeSpentSeconds: z.int(), updated: z.string() }),
      key: 'id',
      map: (worklog, { parent }) => ({ issue: parent, ...worklog }),
      schedule: '1 day',
    }),
    projects: stream({
      request: ({ page }) => ({
        path: '/rest/api/3/project/search',
        query: { startAt: page.number * page.size, maxResults: page.size },
      }),
      paging: pages({ size: 50, first: 0 }),
      records: (body) => body.values,
      total: (reply) => reply.body.total,
      schema: z.looseObject({ id: z.string(), key: z.string(), name: z.string() }),
      key: 'id',
      schedule: '1 day',
    }),
  }),
});
