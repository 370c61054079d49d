import type { Job, PagingKind } from './job.ts';

/** One request, as a probe sees it. */
export type ProbeRequest = {
  readonly path: string;
  readonly query: URLSearchParams;
  /** The API's own address, as it was asked: `127.0.0.1:8080`. */
  readonly host: string;
  readonly authorization: string | undefined;
  /** Which page is asked for, from 1. */
  readonly page: number;
  /** How often this page has been asked for, with this request. */
  readonly times: number;
};

export type ProbeAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The connection breaks after half of the body. */
  readonly cut?: boolean;
  /** No answer ever comes. */
  readonly hangs?: boolean;
};

/** The API of one run: a listing whose rows a probe may change while it is read. */
export type ProbeApi = {
  ids: string[];
  /** The honest answer to this request. */
  readonly honest: (request: ProbeRequest) => ProbeAnswer;
  /** What a probe keeps between requests. */
  readonly memory: Map<string, number>;
  /** Said beside the result, once each. */
  readonly remarks: Set<string>;
};

export type Probe = {
  /** What the API does. */
  readonly title: string;
  readonly paging: PagingKind;
  readonly auth?: Job['auth'];
  /** How many rows the API has at first: by default 450, five pages. */
  readonly rows?: number;
  /** Rows with an id other than their place. */
  readonly named?: Readonly<Record<number, string>>;
  /** Ids that no system need deliver, because they are no valid ids. */
  readonly invalid?: readonly string[];
  /** A run that takes longer is stopped. Default: 240 s. */
  readonly seconds?: number;
  readonly answer: (request: ProbeRequest, api: ProbeApi) => ProbeAnswer;
};

/** Records on a full page of every probe. */
export const PAGE = 100;

export const jsonAnswer = (
  body: object | string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): ProbeAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

export const htmlAnswer = (body: string, status = 200): ProbeAnswer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body,
});

/** A probe that answers page 3 in its own way, each time or the first time only. */
export const onThird =
  (answer: ProbeAnswer, often: 'each time' | 'once'): Probe['answer'] =>
  (request, api) =>
    request.page === 3 && (often === 'each time' || request.times === 1) ? answer : api.honest(request);
