import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import * as z from 'zod';
import { noBrowser, openBrowser } from '../oidc/chromium.ts';
import { headgate, temporaryFolder } from './headgate.ts';

const CONNECTOR = `
import { defineConnector, none, pages } from 'headgate/connector';
import * as z from 'zod';
const listing = (stream: any, path: string) => stream({
  request: ({ page }: any) => ({ path, query: { page: page.number } }), paging: pages({ size: 10 }),
  total: (reply: any) => reply.body.total, records: (body: any) => body.rows, schema: z.object({ id: z.int() }), key: 'id' });
export default defineConnector({
  name: 'troubled', docs: '', params: z.object({ url: z.url() }), baseUrl: ({ params }) => params.url, auth: none(),
  limits: [{ requests: 20, per: '1 second' }],
  streams: (stream) => ({ orders: listing(stream, '/orders'), 'a-stream-with-a-very-long-name': listing(stream, '/items') }),
});`;

const PAGES = 30;

/** An API that throttles once, fails twice for a while, has lost a page for good, and whose failures are HTML that must not become ours. */
function troubledApi() {
  let asked = 0;
  return createServer((request, response) => {
    asked += 1;
    const url = new URL(request.url ?? '', 'http://api.test');
    const page = Number(url.searchParams.get('page'));
    const answer = (status: number, body: object, headers = {}) =>
      setTimeout(
        () => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body)),
        (page * 7) % 60,
      );
    if (asked === 12) return answer(429, { error: 'slow down' }, { 'retry-after': '1' });
    if (asked === 20 || asked === 31) return answer(503, { error: '<script>alert(1)</script>' });
    if (url.pathname === '/orders' && page === 5) return answer(410, { error: 'gone' });
    const rows = page > PAGES ? [] : Array.from({ length: 10 }, (_, i) => ({ id: page * 10 + i }));
    return answer(200, { total: PAGES * 10, rows });
  });
}

describe('the report of a run', { skip: noBrowser() }, () => {
  const undo: (() => unknown)[] = [];
  let file: string;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  before(async () => {
    const folder = await temporaryFolder({ after: (each) => void undo.push(each) });
    const api = troubledApi().listen(0, '127.0.0.1');
    undo.push(() => api.close());
    await writeFile(join(folder, 'troubled.ts'), CONNECTOR);
    file = join(folder, 'report.html');
    const { port } = api.address() as AddressInfo;
    const ran = await headgate(
      ['run', './troubled.ts', '--param', `url=http://127.0.0.1:${port}`, '--report', file, '--out', 'out'],
      { cwd: folder },
    );
    assert.equal(ran.code, 2, ran.stderr);
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    for (const each of undo) await each();
  });

  it('says what the receipts say, and what went wrong, once each', async () => {
    const page = await browser.context.newPage();
    await page.goto(pathToFileURL(file).href);
    const text = await page.locator('main').innerText();
    assert.match(text, /^troubled: 1 INCOMPLETE, 1 COMPLETE$/m);
    assert.match(text, /COMPLETE by count full\s+It rests on the API's total of 300/);
    assert.match(text, /20 requests per 1 second/);
    assert.match(text, /throttled/);
    assert.match(text, /orders set aside page 5: HTTP 410/);
    assert.equal(await page.locator('svg').count(), 5);
    assert.ok((await page.locator('svg rect.throttled').count()) >= 2);
    assert.ok((await page.locator('svg rect.held').count()) >= 1);
    await page.close();
  });

  it('needs nothing else, and runs nothing', async () => {
    const page = await browser.context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('dialog', () => assert.fail('a script ran'));
    await page.goto(pathToFileURL(file).href);
    assert.deepEqual(asked, [pathToFileURL(file).href]);
    assert.doesNotMatch(readFileSync(file, 'utf8'), /<script|<link|src=|url\(/);
    await page.close();
  });

  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 360])
      it(`can be read in ${colorScheme}, ${width} pixels wide`, async (t) => {
        const page = await browser.context.newPage();
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await page.goto(pathToFileURL(file).href);
        const { tooWide, shown, faint } = await checkPage(page);
        assert.deepEqual(tooWide, []);
        assert.ok(shown > 20, `${shown} texts`);
        assert.deepEqual(faint, []);
        const folder = process.env.HEADGATE_SCREENSHOTS ?? (await temporaryFolder(t));
        const picture = await page.screenshot({ path: join(folder, `${colorScheme}-${width}.png`), fullPage: true });
        assert.ok(picture.length > 10_000, `${picture.length} bytes`);
        await page.close();
      });
});

/** What the checks of a page find: they run in the browser. */
const checks = readFileSync(join(import.meta.dirname, 'page-checks.js'), 'utf8');
const found = z.object({ tooWide: z.array(z.string()), shown: z.number(), faint: z.array(z.string()) });
const checkPage = async (page: Page) => found.parse(await page.evaluate(checks));
