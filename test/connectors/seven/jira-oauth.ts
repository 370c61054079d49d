import * as z from 'zod';
import jira from '../../../lib/connectors/jira.ts';
import { authorizationCode, type Connector } from '../../../lib/core/connector/connector.ts';

type Params = { site: string };
type Site = { id: string; url: string };

/**
 * Jira Cloud by somebody's consent, instead of an API token: which of the sites that he can reach is meant has to be found out with the token
 * (https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps).
 */
const oauth: Connector = {
  ...jira,
  auth: authorizationCode<Params, { cloudId: string }>({
    authorizeUrl: 'https://auth.atlassian.com/authorize',
    tokenUrl: 'https://auth.atlassian.com/oauth/token',
    scopes: ['read:jira-work', 'offline_access'],
    parameters: { audience: 'api.atlassian.com' },
    consent: '365 days',
    grant: z.object({ cloudId: z.string() }),
    discover: {
      request: { path: 'https://api.atlassian.com/oauth/token/accessible-resources' },
      read: ({ body }, { site }) => ({ cloudId: body.find(({ url }: Site) => url === site).id }),
    },
  }),
  baseUrl: ({ grant }) => `https://api.atlassian.com/ex/jira/${grant.cloudId}`,
};
export default oauth;
