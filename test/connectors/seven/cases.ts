import github from '../../../lib/connectors/github.ts';
import hubspot from '../../../lib/connectors/hubspot.ts';
import jira from '../../../lib/connectors/jira.ts';
import stripe from '../../../lib/connectors/stripe.ts';
import type { Connector } from '../../../lib/core/connector/connector.ts';
import type { Answer } from '../../../lib/simulator/exchange.ts';
import { alone, scaled } from '../../../lib/simulator/scaled.ts';
import type { Words } from '../../../lib/simulator/words.ts';
import erp from './erp.ts';
import githubApp from './github-app.ts';
import jiraOauth from './jira-oauth.ts';
import salesforce from './salesforce.ts';
import shopify from './shopify.ts';

/** Seven APIs, and what each says where only it has words for it. */
export type Case = Words & {
  readonly connector: Connector;
  readonly params?: object;
  /** Streams that are tried under trouble; the others are like them. */
  readonly hostile: readonly string[];
};

export const says = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body,
});

const jiraSays = {
  expired: says(400, { errorMessages: ['The provided nextPageToken has expired.'] }),
  vanished: says(404, { errorMessages: ['Issue does not exist or you do not have permission to see it.'], errors: {} }),
};
const githubSays = {
  vanished: says(410, { message: 'Issues are disabled for this repo' }),
  throttled: says(403, { message: 'You have exceeded a secondary rate limit.' }, { 'retry-after': '1' }),
};

export const CASES: Readonly<Record<string, Case>> = {
  hubspot: { connector: hubspot, hostile: ['contacts', 'contactsArchived', 'contactCompanies'] },
  salesforce: {
    connector: salesforce,
    hostile: ['accounts'],
    expired: says(400, [{ errorCode: 'INVALID_QUERY_LOCATOR', message: 'invalid query locator' }]),
    throttled: says(403, [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }]),
  },
  github: { connector: github, params: { org: 'acme' }, hostile: ['repos', 'issues'], ...githubSays },
  'github, as an app': { connector: githubApp, hostile: ['issues'], ...githubSays },
  stripe: {
    connector: stripe,
    hostile: ['charges', 'events'],
    throttled: says(429, { error: {} }, { 'stripe-rate-limited-reason': 'global-concurrency' }),
  },
  jira: { connector: jira, hostile: ['issues', 'comments'], ...jiraSays },
  'jira, by consent': { connector: jiraOauth, hostile: ['issues', 'comments'], ...jiraSays },
  shopify: {
    connector: shopify,
    hostile: ['orders'],
    throttled: says(200, { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] }),
  },
  erp: { connector: erp, hostile: ['orderLines'] },
};

/** One stream of a connector and its parents, begun not long before the world begins. `size`: of its pages, where some records are to make many. */
export function lately(connector: Connector, name: string, size?: number): Connector {
  const few = alone(connector, name);
  const starts = Object.fromEntries(Object.keys(few.streams).map((each) => [each, '2026-11-20T00:00:00Z']));
  return scaled(few, { starts, ...(size === undefined ? {} : { size, together: 2 }) });
}
