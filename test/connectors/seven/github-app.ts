import * as z from 'zod';
import github from '../../../lib/connectors/github.ts';
import { type Connector, exchange } from '../../../lib/core/connector/connector.ts';

const params = z.object({
  org: z.string(),
  app: z.string(),
  installation: z.int(),
  api: z.url().default('https://api.github.com'),
});

/**
 * GitHub by an app that is installed in the organisation, instead of somebody's own token: a JWT signed by the app is exchanged for a token of an
 * hour (https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app).
 */
const app: Connector = {
  ...github,
  params,
  auth: exchange<z.output<typeof params>>({
    secret: z.object({ privateKey: z.string() }),
    // No more than ten minutes, and a minute back: its clock may be late.
    assertion: { alg: 'RS256', claims: ({ app: iss }, now) => ({ iss, iat: now - 60, exp: now + 540 }) },
    request: ({ params: { installation }, assertion }) => ({
      method: 'POST',
      path: `/app/installations/${installation}/access_tokens`,
      headers: { authorization: `Bearer ${assertion}` },
    }),
    read: (reply) => ({ token: reply.body.token, expiresAt: reply.body.expires_at }),
  }),
};
export default app;
