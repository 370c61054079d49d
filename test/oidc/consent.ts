import assert from 'node:assert/strict';

/** How a browser asks for a page: no redirect is followed. */
export type AskForPage = (url: string, request: RequestInit) => Promise<Response>;

/** What a browser does when somebody follows a link and allows what is asked. */
export async function consent(link: string, ask: AskForPage = fetch): Promise<void> {
  const cookies = new Map<string, string>();
  async function go(url: string, method = 'GET', form?: URLSearchParams): Promise<Response> {
    const { host } = new URL(url);
    const jar = [...cookies]
      .filter(([name]) => name.startsWith(`${host} `))
      .map(([name, value]) => `${name.slice(host.length + 1)}=${value}`);
    const response = await ask(url, {
      method,
      redirect: 'manual',
      headers: { cookie: jar.join('; ') },
      ...(form === undefined ? {} : { body: form }),
    });
    for (const text of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      cookies.set(`${host} ${name}`, value);
    }
    const location = response.headers.get('location');
    return location === null ? response : go(new URL(location, url).href);
  }
  const code = new URL(link).searchParams.get('link') ?? '';
  const asked = await go(new URL('/', link).href, 'POST', new URLSearchParams({ link: code }));
  const done = await go(`${asked.url}?answer=allow`, 'POST');
  assert.match(await done.text(), /<h1 class="good">Connected<\/h1>/);
}
