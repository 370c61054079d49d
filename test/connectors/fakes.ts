import { type Api, json } from '../pipeline/world.ts';

/** Small honest APIs with the shape of real ones, over records that each stands for: what a connector asks, they answer as documented. */

/** When the world begins. */
export const NOW = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
export type Row = { readonly id: number; readonly at: number };
/** Rows so many minutes apart, the last one a minute before the world begins. */
export const rowsOf = (count: number, every = 1): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: i + 1, at: NOW - (1 + (count - 1 - i) * every) * MINUTE }));
const iso = (at: number): string => new Date(at).toISOString();
const bodyOf = (body: string | undefined) => JSON.parse(body ?? '{}');

/** HubSpot's search ends after so many records: what is asked for behind them is refused. */
const SEARCHED = 10_000;

export function hubspotApi(rows: readonly Row[]): Api {
  const object = ({ id, at }: Row, archived = false) => ({
    ...{ id: String(id), properties: { email: `${id}@shop.test` }, archived },
    ...{ createdAt: iso(at), updatedAt: iso(at) },
  });
  const paged = (all: readonly Row[], start: number, limit: number, archived = false) => ({
    results: all.slice(start, start + limit).map((row) => object(row, archived)),
    total: all.length,
    ...(start + limit < all.length ? { paging: { next: { after: String(start + limit) } } } : {}),
  });
  return ({ path, query, body }) => {
    if (path.startsWith('/crm/v3/properties/')) return json({ results: [{ name: 'email' }, { name: 'phone' }] });
    if (path.startsWith('/crm/v4/associations/')) {
      // Each tenth contact has no company.
      const inputs: { id: string }[] = bodyOf(body).inputs;
      const [without, having] = [
        inputs.filter(({ id }) => id.endsWith('5')),
        inputs.filter(({ id }) => !id.endsWith('5')),
      ];
      const results = having.map(({ id }) => ({ from: { id }, to: [{ toObjectId: Number(id) + 1_000_000 }] }));
      const errors = without.map(({ id }) => ({
        ...{ subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND', context: { fromObjectId: [id] } },
      }));
      return errors.length === 0 ? json({ results }) : json({ results, errors }, {}, 207);
    }
    if (!path.endsWith('/search'))
      return json(paged(rows, Number(query.get('after') ?? 0), Number(query.get('limit')), true));
    const { filterGroups, after, limit, properties } = bodyOf(body);
    const [{ filters }] = filterGroups;
    const [changed, beyond] = filters;
    const found = rows.filter(({ id, at }) => at >= Number(changed.value) && id > Number(beyond.value));
    const start = Number(after ?? 0);
    if (properties?.length !== 2) return json({ message: 'no properties' }, {}, 400);
    return start + limit > SEARCHED ? json({ message: 'no further' }, {}, 400) : json(paged(found, start, limit));
  };
}

const LINE = { object: 'line_item', amount: 5, currency: 'eur' };

export const stripeApi =
  (rows: readonly Row[]): Api =>
  ({ path, query }) => {
    const lines = /invoices\/in_(\d+)\/lines/.exec(path);
    if (lines !== null) {
      const all = Array.from({ length: 15 }, (_, i) => ({ id: `il_${lines[1]}_${i}`, ...LINE }));
      const start = all.findIndex(({ id }) => id === query.get('starting_after')) + 1;
      return json({ object: 'list', data: all.slice(start, start + 10), has_more: start + 10 < all.length });
    }
    const [from, to] = [Number(query.get('created[gte]')), Number(query.get('created[lt]'))];
    const newest = rows
      .map(({ id, at }) => ({ id: `${path.slice(4, 6)}_${id}`, created: Math.floor(at / 1_000) }))
      .filter(({ created }) => created >= from && created < to)
      .toReversed();
    const after = query.get('starting_after');
    const start = after === null ? 0 : newest.findIndex(({ id }) => id === after) + 1;
    const limit = Number(query.get('limit'));
    const data = newest.slice(start, start + limit).map((thing, i) => ({
      ...thing,
      ...{ object: path.slice(4, -1), amount: 100, currency: 'eur', status: 'succeeded', email: null, total: 5 },
      ...(path.endsWith('/invoices') ? { lines: { object: 'list', data: [], has_more: true, total_count: 15 } } : {}),
      ...{ type: i % 2 === 0 ? 'customer.deleted' : 'customer.updated', data: { object: {} } },
    }));
    return json({ object: 'list', data, has_more: start + limit < newest.length, url: path });
  };

/** `expired`: so many next pages whose token is no longer taken. */
export function jiraApi(rows: readonly Row[], { expired = 0 }: { expired?: number } = {}): Api {
  let left = expired;
  return ({ path, query, body }) => {
    const { jql = '', maxResults, nextPageToken } = bodyOf(body);
    const [from = 0, to = 0] = [...String(jql).matchAll(/\d{6,}/g)].map(([digits]) => Number(digits));
    const found = rows.filter(({ at }) => at >= from && at < to);
    if (path.endsWith('/approximate-count')) return json({ count: Math.round(found.length * 1.1) });
    if (path.endsWith('/search/jql')) {
      if (nextPageToken !== undefined && left-- > 0)
        return json({ errorMessages: ['The provided nextPageToken has expired.'] }, {}, 400);
      const start = Number(nextPageToken ?? 0);
      const issues = found
        .slice(start, start + maxResults)
        .map(({ id, at }) => ({ id: String(id), key: `SHOP-${id}`, fields: { updated: iso(at), created: iso(at) } }));
      const isLast = start + maxResults >= found.length;
      return json({ issues, isLast, ...(isLast ? {} : { nextPageToken: String(start + maxResults) }) });
    }
    const start = Number(query.get('startAt'));
    const size = Number(query.get('maxResults'));
    const worklogs = /issue\/(\d+)\/worklog/.exec(path);
    if (worklogs !== null) {
      const all = Array.from({ length: 32 }, (_, i) => ({
        ...{ id: `${worklogs[1]}-${i}`, started: iso(NOW), updated: iso(NOW), timeSpentSeconds: 60 },
      }));
      return json({ startAt: start, total: all.length, worklogs: all.slice(start, start + size) });
    }
    const comments = /issue\/(\d+)\/comment/.exec(path);
    if (comments !== null) {
      // The issue of each seventh number was deleted since it was listed; the others have as many comments as their number modulo 5.
      const issue = Number(comments[1]);
      if (issue % 7 === 0) return json({ errorMessages: ['Issue does not exist'] }, {}, 404);
      const all = Array.from({ length: issue % 5 }, (_, i) => ({
        id: `${issue}-${i}`,
        created: iso(NOW),
        updated: iso(NOW),
      }));
      return json({ startAt: start, maxResults: size, total: all.length, comments: all.slice(start, start + size) });
    }
    const projects = rows.slice(0, 70).map(({ id }) => ({ id: String(id), key: `P${id}`, name: `Project ${id}` }));
    return json({ values: projects.slice(start, start + size), total: projects.length });
  };
}

export const githubApi =
  (repos: number): Api =>
  ({ path, query, url }) => {
    const issues = /\/repos\/[^/]+\/r(\d+)\/issues/.exec(path);
    const repo = Number(issues?.[1]);
    if (repo === 3) return json({ message: 'Issues are disabled for this repo' }, {}, 410);
    // For the epoch itself GitHub lists nothing.
    if (query.get('since')?.startsWith('1970-01-01T00:00:00')) return json([]);
    const size = Number(query.get('per_page'));
    const page = Number(query.get('page') ?? 1);
    const count = issues === null ? repos : repo * 30;
    const all = Array.from({ length: count }, (_, i) => (issues === null ? repoOf(i + 1) : issueOf(1_000 * repo + i)));
    const next = new URL(url);
    next.searchParams.set('page', String(page + 1));
    return json(
      all.slice((page - 1) * size, page * size),
      page * size < count ? { link: `<${next.href}>; rel="next"` } : {},
    );
  };

const user = { id: 1, login: 'octocat', type: 'User' };
const repoOf = (id: number) => ({
  ...{ id, node_id: `R${id}`, name: `r${id}`, full_name: `acme/r${id}`, private: false, owner: user },
  ...{ html_url: `https://github.com/acme/r${id}`, description: null, fork: false },
});
const issueOf = (id: number) => ({
  ...{ id, node_id: `I${id}`, number: id, title: 'It does not work', state: 'open', user, labels: [], milestone: null },
  ...{ comments: 0, locked: false, html_url: `https://github.com/acme/r/issues/${id}` },
  ...{ created_at: iso(NOW - MINUTE), updated_at: iso(NOW - MINUTE), closed_at: null },
});
