import * as z from 'zod';
import { bearer, defineConnector, links } from '../core/connector/connector.ts';

const Account = z.looseObject({ id: z.int(), login: z.string(), type: z.string() });

/** "Minimal repository" of https://docs.github.com/rest/repos/repos. */
const Repo = z.looseObject({
  id: z.int(),
  node_id: z.string(),
  name: z.string(),
  full_name: z.string(),
  private: z.boolean(),
  owner: Account,
  html_url: z.url(),
  description: z.string().nullable(),
  fork: z.boolean(),
  archived: z.boolean().optional(),
  default_branch: z.string().optional(),
  language: z.string().nullish(),
  created_at: z.iso.datetime().nullish(),
  updated_at: z.iso.datetime().nullish(),
  pushed_at: z.iso.datetime().nullish(),
});

const Label = z.looseObject({ id: z.int(), name: z.string(), color: z.string().nullable() });

/** "Issue" of https://docs.github.com/rest/issues/issues. Pull requests are listed, too: those with `pull_request`. */
const Issue = z.looseObject({
  id: z.int(),
  node_id: z.string(),
  number: z.int(),
  title: z.string(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']),
  state_reason: z.string().nullish(),
  /** `null`: the account was deleted. */
  user: Account.nullable(),
  assignees: z.array(Account).nullish(),
  labels: z.array(Label),
  milestone: z.looseObject({ id: z.int(), number: z.int(), title: z.string() }).nullable(),
  comments: z.int(),
  locked: z.boolean(),
  html_url: z.url(),
  pull_request: z.looseObject({ merged_at: z.iso.datetime().nullish() }).optional(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  closed_at: z.iso.datetime().nullable(),
});

/**
 * Neither stream declares an `order`. GitHub's `Link`s count pages, and no order it offers only ever appends: an issue
 * that is changed moves, and one that is deleted or transferred leaves a gap that the next page closes. So a walk to
 * the end proves its count unless something moved meanwhile, and the receipt says just that.
 */
export default defineConnector({
  name: 'github',
  docs: 'https://docs.github.com/rest',
  params: z.object({ org: z.string(), repo: z.string().optional(), api: z.url().default('https://api.github.com') }),
  baseUrl: ({ params }) => params.api,
  auth: bearer(),
  headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
  // https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api: primary, and the points of the secondary one.
  limits: [
    { requests: 5_000, per: '1 hour', burst: 50 },
    { requests: 900, per: '1 minute' },
  ],
  errors: [
    {
      when: (reply) =>
        reply.status === 403 &&
        (reply.header('retry-after') !== undefined ||
          reply.header('x-ratelimit-remaining') === '0' ||
          /secondary rate/i.test(reply.body?.message)),
      is: 'throttled',
      wait: '1 minute',
      because: 'a limit, not a lack of rights',
    },
    { when: (reply) => reply.status === 410, is: 'empty', because: 'this repository has its issues switched off' },
    { when: (reply) => reply.status === 409, is: 'empty', because: 'this repository is empty' },
  ],
  schedule: '15 minutes',
  streams: (stream) => ({
    repos: stream({
      request: ({ params, page }) => ({ path: `/orgs/${params.org}/repos`, query: { per_page: page.size } }),
      paging: links({ size: 100 }),
      records: (body) => body,
      schema: Repo,
      key: 'id',
    }),
    /** Of every repository of the organisation, or of the one that `repo` names. */
    issues: stream({
      each: { of: 'repos', pick: (repo) => String(repo.name), only: ({ params }) => params.repo },
      request: ({ params, parent, page, window }) => ({
        path: `/repos/${params.org}/${parent}/issues`,
        query: { state: 'all', sort: 'updated', direction: 'desc', since: window.from.iso, per_page: page.size },
      }),
      paging: links({ size: 100 }),
      records: (body) => body,
      schema: Issue,
      key: 'id',
      since: { field: (issue) => issue.updated_at, lookback: '5 minutes' },
    }),
  }),
});
