import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { WebRequest } from '../pipeline/consent/connect.ts';
import type { WebAnswer } from '../pipeline/consent/connect-page.ts';

/** What is read of an event in payload format 2.0. */
export type VisitEvent = {
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly cookies?: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded: boolean;
  readonly requestContext: { readonly domainName: string; readonly http: { readonly method: string } };
};

/** A form is a few hundred bytes. */
const LARGEST_FORM = 10_000;

/**
 * A browser's request as Lambda hands it to a function with a URL, payload format 2.0
 * (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html). The origin is the function's own: the domain is Lambda's word, no header's.
 */
export function readHttpEvent(event: VisitEvent): WebRequest {
  const { requestContext, rawPath, rawQueryString, headers, cookies = [], body, isBase64Encoded } = event;
  const { method } = requestContext.http;
  const domain = requestContext.domainName;
  const origin = /^127\.0\.0\.1:\d+$/.test(domain) ? `http://${domain}` : `https://${domain}`;
  const text = body === undefined ? '' : isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  const isForm = (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return {
    method,
    origin,
    path: rawPath,
    query: new URLSearchParams(rawQueryString),
    cookies: Object.fromEntries(cookies.map(readCookie)),
    ...(isForm && text.length <= LARGEST_FORM ? { form: new URLSearchParams(text) } : {}),
    ...(headers.origin === undefined ? {} : { from: headers.origin }),
  };
}

function readCookie(text: string): [name: string, value: string] {
  const cut = text.indexOf('=');
  return cut < 0 ? [text.trim(), ''] : [text.slice(0, cut).trim(), text.slice(cut + 1).trim()];
}

export const toHttpResult = ({ status, headers, body, cookies }: WebAnswer): APIGatewayProxyStructuredResultV2 => ({
  statusCode: status,
  headers: { ...headers },
  body,
  ...(cookies === undefined ? {} : { cookies: [...cookies] }),
});
