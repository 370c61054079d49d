import { hash } from 'node:crypto';

/** What the connect function answers a browser with. */
export type WebAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** `Set-Cookie` values. */
  readonly cookies?: readonly string[];
};

const STYLE = `
:root{color-scheme:light dark;--ink:#1b2330;--soft:#5a6675;--paper:#fff;--back:#eef1f5;--act:#0b63c9;--good:#16794c;--bad:#a3341f}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf4;--soft:#a2afbf;--paper:#1b222c;--back:#10151c;--act:#5aa2f5;--good:#55c48f;--bad:#f08b73}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{width:min(30rem,calc(100vw - 2rem));margin:2rem auto;padding:2.25rem;background:var(--paper);border-radius:14px;box-shadow:0 8px 30px #0002}
h1{margin:0 0 .75rem;font-size:1.4rem;line-height:1.25}h1.good{color:var(--good)}h1.bad{color:var(--bad)}p{margin:.6rem 0}p.soft{color:var(--soft);font-size:.92rem}
code{font-size:.92em;overflow-wrap:anywhere}dl{margin:1rem 0;display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
button{margin-top:1rem;padding:.7rem 1.4rem;border:0;border-radius:9px;background:var(--act);color:#fff;font:inherit;font-weight:600;cursor:pointer}button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
`;

/** HTML that is put together from texts that were escaped. */
export type Html = { readonly html: string };

/** A template of HTML: every value is escaped, but for what is HTML already. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const text = (value: string | Html | undefined): string =>
    value === undefined ? '' : typeof value === 'string' ? escaped(value) : value.html;
  return { html: parts.reduce((all, part, index) => all + text(values[index - 1]) + part) };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '');

export type PageOptions = {
  readonly status: number;
  readonly title: string;
  readonly tone: 'plain' | 'good' | 'bad';
  readonly body: Html;
  /** Another origin to which the page's form may lead. */
  readonly formTo?: string;
  readonly cookies?: readonly string[];
};

/** A page by itself: no script, nothing from elsewhere, in no frame, kept by no cache. */
export function consentPage({ status, title, tone, body, formTo, cookies }: PageOptions): WebAnswer {
  const style = `'sha256-${hash('sha256', STYLE, 'base64')}'`;
  const form = `'self'${formTo === undefined ? '' : ` ${formTo}`}`;
  const policy = `default-src 'none'; style-src ${style}; form-action ${form}; base-uri 'none'; frame-ancestors 'none'`;
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${{ html: STYLE }}</style></head>
<body><main><h1 class="${tone}">${title}</h1>${body}</main></body></html>`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      ...HEADERS,
    },
    body: document.html,
    ...(cookies === undefined ? {} : { cookies }),
  };
}

const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export const redirectAnswer = (location: string, cookies: readonly string[]): WebAnswer => ({
  status: 303,
  headers: { location, ...HEADERS },
  body: '',
  cookies,
});
