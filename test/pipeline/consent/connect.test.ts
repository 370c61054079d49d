import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { MINUTE } from '../../../lib/core/time.ts';
import { connect, makeLink } from '../../../lib/pipeline/consent/connect.ts';
import { readAccount } from '../../../lib/pipeline/credentials/account.ts';
import { readTokenState } from '../../../lib/pipeline/credentials/credentials.ts';
import { forConnection } from '../../../lib/pipeline/invocation.ts';
import { noBrowser, openBrowser } from '../../oidc/chromium.ts';
import { type ConnectServer, startConnectServer } from '../../oidc/connect-server.ts';
import { CLIENT, type OidcProvider, startProvider } from '../../oidc/provider.ts';
import { consented, systemTime, type TokensWorld, tokensWorld } from '../../oidc/tokens-world.ts';

const skip = noBrowser();
if (skip !== undefined) process.stderr.write(`${skip}\n`);

describe('a person consents in a browser', { skip: skip ?? false }, () => {
  let server: ConnectServer;
  let provider: OidcProvider;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let stranger: Awaited<ReturnType<typeof openBrowser>>;
  let world: TokensWorld;
  let late = 0;

  before(async () => {
    server = await startConnectServer();
    provider = await startProvider({ redirectUris: [`${server.url}/callback`] });
    const clock = { ...systemTime, now: () => Date.now() + late };
    world = tokensWorld(consented(provider.issuer), { clock });
    await world.open();
    server.serve(() => world.worker());
    [browser, stranger] = await Promise.all([openBrowser(), openBrowser()]);
  });
  after(async () => {
    await Promise.all([browser?.close(), stranger?.close()]);
    await Promise.all([server?.stop(), provider?.stop()]);
  });

  const newLink = async (): Promise<string> => server.url + (await makeLink(forConnection(world.worker(), 'main')));
  async function visit(context: BrowserContext, url: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }
  const heading = (page: Page): Promise<string> => page.locator('h1').innerText();
  /** From the link to the provider's page. */
  async function signIn(url: string): Promise<Page> {
    const page = await visit(browser.context, url);
    assert.equal(await heading(page), 'Connect rows');
    await page.getByRole('button').click();
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    return page;
  }

  it('a link that was only looked at goes on to work; consent connects', async () => {
    const link = await newLink();
    assert.equal(await heading(await visit(stranger.context, link)), 'Connect rows');
    const page = await signIn(link);
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(/callback/);
    assert.equal(await heading(page), 'Connected');

    const invocation = world.worker();
    const account = await readAccount(forConnection(invocation, 'main'));
    assert.ok('credentials' in account);
    const credential = await account.credentials.current(invocation);
    assert.ok('mark' in credential && credential.mark === 'v1');
    assert.ok((await readTokenState(forConnection(invocation, 'main'))).consentAt !== undefined);

    await page.reload();
    assert.equal(await heading(page), 'This sign-in is finished already');
    assert.equal(await heading(await visit(browser.context, link)), 'This link was used already');
    assert.equal(provider.counts.tokens, 1);
  });

  it('a page is plain: no script runs, nothing comes from elsewhere, and it looks as it should', async () => {
    const page = await visit(browser.context, await newLink());
    const errors: string[] = [];
    page.on('console', (message) => errors.push(message.text()));
    await page.reload();
    assert.deepEqual(errors, []);
    const radius = await page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius");
    assert.equal(radius, '14px', 'its style is applied under the policy');
    const response = await page.goto(page.url());
    const headers = await response?.allHeaders();
    assert.match(headers?.['content-security-policy'] ?? '', /^default-src 'none'; style-src 'sha256-/);
    assert.equal(headers?.['cache-control'], 'no-store');
  });

  it('who declines is told that nothing happened', async () => {
    const page = await signIn(await newLink());
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.waitForURL(/callback/);
    assert.equal(await heading(page), 'Access was declined');
    assert.equal(provider.counts.tokens, 1);
  });

  it('a callback in another browser is refused, and the right one still works', async () => {
    const page = await signIn(await newLink());
    const held = server.holdCallback();
    await page.getByRole('button', { name: 'Allow' }).click();
    const callback = await held;
    assert.match(callback, /code=/);
    assert.equal(await heading(await visit(stranger.context, callback)), 'This is another browser');
    assert.equal(provider.counts.tokens, 1);
    assert.equal(await heading(await visit(browser.context, callback)), 'Connected');
    assert.equal(provider.counts.tokens, 2);
  });

  it('links and sign-ins expire', async () => {
    const [old, begun] = [await newLink(), await signIn(await newLink())];
    late = 11 * MINUTE;
    await begun.getByRole('button', { name: 'Allow' }).click();
    await begun.waitForURL(/callback/);
    assert.equal(await heading(begun), 'This sign-in took too long');
    late = 16 * MINUTE;
    assert.equal(await heading(await visit(browser.context, old)), 'This link has expired');
    late = 0;
  });

  it('a provider that does not take the code is quoted, without its secrets', async () => {
    const page = await signIn(await newLink());
    const right = world.secrets['headgate/test/rows/main'] ?? '';
    world.secrets['headgate/test/rows/main'] = JSON.stringify({ ...CLIENT, clientSecret: 'wr0ng-S3CR3T' });
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(/callback/);
    assert.equal(await heading(page), 'It did not work');
    assert.match(await page.locator('main').innerText(), /the token endpoint refuses: invalid_client/);
    world.secrets['headgate/test/rows/main'] = right;
  });

  it('nothing that was written down holds a token, a code or a secret', () => {
    const seen = world.seen();
    assert.ok(provider.secrets.size >= 5 && seen.includes('consentAt'));
    for (const secret of [...provider.secrets, CLIENT.clientSecret, 'wr0ng-S3CR3T'])
      assert.ok(!seen.includes(secret), secret);
  });
});

describe('the connect function by itself', () => {
  const world = tokensWorld(consented('https://login.test'));
  const visit = (path: string, more: object = {}) =>
    connect(world.worker(), {
      method: 'GET',
      origin: 'https://connect.test',
      cookies: {},
      ...split(path),
      ...more,
    });
  const split = (path: string) => {
    const url = new URL(path, 'https://connect.test');
    return { path: url.pathname, query: url.searchParams };
  };
  const link = async (): Promise<string> => makeLink(forConnection(world.worker(), 'main'));
  const codeOf = (path: string): string => split(path).query.get('link') ?? '';
  before(() => world.open());

  it('knows no more than links and callbacks', async () => {
    for (const path of ['/favicon.ico', '/callback/x', '/admin']) assert.equal((await visit(path)).status, 404);
    assert.equal((await visit('/', { method: 'PUT' })).status, 404);
    for (const bad of ['', 'x', `${'a'.repeat(40)}.bWFpbg`, `${'a'.repeat(40)}.%00`, `${'a'.repeat(40)}.b3RoZXI`]) {
      assert.equal((await visit(`/?link=${bad}`)).status, 404, bad);
      assert.equal((await visit(`/callback?code=c&state=${bad}`)).status, 400, bad);
    }
  });

  it('sends the browser to the API with PKCE, a state and a cookie for this host alone', async () => {
    const form = new URLSearchParams({ link: codeOf(await link()) });
    const answer = await visit('/', { method: 'POST', form, from: 'https://connect.test' });
    assert.equal(answer.status, 303);
    const to = new URL(answer.headers.location ?? '');
    assert.equal(to.origin + to.pathname, 'https://login.test/auth');
    const asked = Object.fromEntries(to.searchParams);
    assert.equal(asked.redirect_uri, 'https://connect.test/callback');
    assert.equal(asked.code_challenge_method, 'S256');
    assert.match(asked.code_challenge ?? '', /^[\w-]{43}$/);
    assert.match(
      answer.cookies?.[0] ?? '',
      /^__Host-headgate=\w{40}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/,
    );
    const again = await visit('/', { method: 'POST', form });
    assert.equal(again.status, 410, 'a link works once');
  });

  it('is begun from its own page only, and its form leads nowhere else', async () => {
    const path = await link();
    const form = new URLSearchParams({ link: codeOf(path) });
    assert.equal((await visit('/', { method: 'POST', form, from: 'https://evil.test' })).status, 404);
    const { status, headers } = await visit(path);
    assert.equal(status, 200);
    assert.match(headers['content-security-policy'] ?? '', /form-action 'self' https:\/\/login\.test;/);
  });

  it('shows what it was sent as text', async () => {
    const { body } = await visit(`/?link=${encodeURIComponent('"><script>alert(1)</script>')}`);
    assert.ok(!body.includes('<script'));
  });
});
