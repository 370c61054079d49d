import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Provider, { type Configuration } from 'oidc-provider';

/**
 * A certified authorization server (oidc-provider) and an API that takes its tokens, on 127.0.0.1. Refresh tokens rotate, and one that is
 * used twice ends its whole family.
 */
export type OidcProvider = {
  readonly issuer: string;
  /** `/api/rows?page=1`: five pages of ten records, for whoever has a valid token. */
  readonly api: string;
  /** Counts of what the provider did. */
  readonly counts: { tokens: number; refreshes: number; revoked: number; errors: number };
  /** Requests of the API that had no valid token. */
  refusedRequests: number;
  /** Every token, refresh token and code that the provider handed out. */
  readonly secrets: ReadonlySet<string>;
  /** Ends every consent. */
  revokeAll(): Promise<void>;
  stop(): Promise<void>;
};

export const CLIENT = { clientId: 'headgate', clientSecret: 'oidc-CLIENT-S3CR3T' };
export const PAGES = 5;

export type OidcOptions = {
  /** Seconds. */
  readonly life?: number;
  readonly redirectUris?: readonly string[];
  /** Sees every request before the provider does; `true`: it has answered. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly port?: number;
};

export async function startProvider({
  life = 3_600,
  redirectUris = ['http://127.0.0.1/callback'],
  before,
  port = 0,
}: OidcOptions = {}): Promise<OidcProvider> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  const issuer = `http://127.0.0.1:${address.port}`;

  const provider = new Provider(issuer, configuration(life, redirectUris));
  // The library speaks up about what a production server should do.
  const secrets = new Set<string>();
  const counts = { tokens: 0, refreshes: 0, revoked: 0, errors: 0 };
  const found = { refusedRequests: 0 };
  const grants = new Set<string>();
  provider.on('grant.success', (context) => {
    counts.tokens += 1;
    if (context.oidc.params?.grant_type === 'refresh_token') counts.refreshes += 1;
    const body: Record<string, unknown> = Object(context.body);
    for (const name of ['access_token', 'refresh_token', 'id_token'])
      if (typeof body[name] === 'string') secrets.add(body[name]);
    const code = context.oidc.params?.code;
    if (typeof code === 'string') secrets.add(code);
    if (context.oidc.entities.Grant !== undefined) grants.add(context.oidc.entities.Grant.jti);
  });
  provider.on('grant.error', () => {
    counts.errors += 1;
  });
  provider.on('grant.revoked', () => {
    counts.revoked += 1;
  });

  const answer = provider.callback();
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    if (before?.(request, response) === true) return;
    const url = new URL(request.url ?? '/', issuer);
    if (url.pathname.startsWith('/api/')) return api(provider, url, request, response, found);
    if (url.pathname.startsWith('/interaction/')) return interact(provider, url, request, response);
    answer(request, response);
  });

  return {
    issuer,
    api: `${issuer}/api`,
    counts,
    secrets,
    get refusedRequests() {
      return found.refusedRequests;
    },
    async revokeAll() {
      for (const id of grants) {
        await provider.AccessToken.revokeByGrantId(id);
        await provider.RefreshToken.revokeByGrantId(id);
        await (await provider.Grant.find(id))?.destroy();
      }
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const configuration = (life: number, redirectUris: readonly string[]): Configuration => ({
  clients: [
    {
      client_id: CLIENT.clientId,
      client_secret: CLIENT.clientSecret,
      grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [...redirectUris],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  cookies: { keys: ['only for tests'] },
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  issueRefreshToken: async () => true,
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access', 'api:read'],
  ttl: {
    AccessToken: life,
    ClientCredentials: life,
    RefreshToken: 86_400,
    Grant: 86_400,
    Interaction: 3_600,
    Session: 3_600,
    AuthorizationCode: 60,
    IdToken: 3_600,
  },
});

async function api(
  provider: Provider,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
  found: { refusedRequests: number },
): Promise<void> {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const known = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
  if (known === undefined) {
    found.refusedRequests += 1;
    return json(response, 401, { error: 'invalid_token' });
  }
  const page = Number(url.searchParams.get('page') ?? 1);
  const rows = page > PAGES ? [] : Array.from({ length: 10 }, (_, index) => ({ id: (page - 1) * 10 + index }));
  json(response, 200, { rows, total: PAGES * 10 });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The page on which a person allows or denies. */
async function interact(
  provider: Provider,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const details = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(
      `<!doctype html><title>Sign in</title><h1>Headgate wants to read your rows</h1><form method="post">
       <button name="answer" formaction="${url.pathname}?answer=allow">Allow</button>
       <button name="answer" formaction="${url.pathname}?answer=deny">Deny</button></form>`,
    );
    return;
  }
  if (url.searchParams.get('answer') === 'deny') {
    const denial = { error: 'access_denied', error_description: 'the person said no' };
    return provider.interactionFinished(request, response, denial, { mergeWithLastSubmission: false });
  }
  const accountId = 'somebody';
  const grant = new provider.Grant({ accountId, clientId: String(details.params.client_id) });
  grant.addOIDCScope(String(details.params.scope));
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}
