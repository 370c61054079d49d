import { clientCredentials } from '../../lib/core/connector/connector.ts';
import { peersConnector } from './headgate-streams.ts';

/** The API with OAuth client credentials. */
export default peersConnector(
  clientCredentials({ tokenUrl: ({ url }) => `${url}/token`, authenticate: 'client_secret_post' }),
);
