import * as z from 'zod';
import { type ExpectedResponse, judgeResponse } from '../../core/response/judge.ts';
import { holdsSecrets } from '../../core/response/redact.ts';
import { clockLag } from '../../core/response/retry-after.ts';
import type { NodeContext, SyncContext } from '../invocation.ts';
import type { FetchedPage } from '../requests/fetched-page.ts';
import type { KeptExchange } from '../requests/keep-answer.ts';
import { failedPageKey, phaseOf, placeOf, rootPath, syncFolder } from '../store/sync-keys.ts';
import { failedPageState } from '../store/sync-state.ts';

/** What a mended connector may make sense of: the page came, and its declaration did not fit. */
const MENDABLE: ReadonlySet<string> = new Set(['schema', 'no-records', 'bad-total', 'stuck']);
/** The headers that a stream may read, beside those of its own: no more is kept of a page. */
const SECRET_HEADERS = /^(set-cookie|www-authenticate|proxy-|authorization)/;

const keptSchema = z.object({
  url: z.string(),
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  lag: z.number(),
});

/**
 * Keeps a page whole that came and could not be read, so that a mended connector reads it without asking the API again. One that holds what must not
 * be kept is not kept: it is asked for again.
 */
export async function keepPage(
  context: SyncContext,
  name: string,
  code: string,
  { asked, answer, redaction }: KeptExchange,
): Promise<string | undefined> {
  if (!MENDABLE.has(code) || answer === undefined || 'failed' in answer) return undefined;
  const { status, headers } = answer;
  const body = new TextDecoder().decode(answer.body);
  const open = Object.fromEntries(Object.entries(headers).filter(([header]) => !SECRET_HEADERS.test(header)));
  if (holdsSecrets(asked, open, body, redaction)) return undefined;
  const lag = clockLag(headers.date, context.clock.now());
  const key = `${syncFolder(context.connector.name, context.ref)}/kept/${name}-${context.random.id()}.json.gz`;
  const text = JSON.stringify({ url: asked, status, headers: open, body, lag });
  await context.objects.create(key, await context.gzip(text), { type: 'application/json', encoding: 'gzip' });
  return key;
}

/** The page of a listing as an earlier phase kept it, if this connector makes a page of it. */
export async function readKeptPage(
  context: NodeContext,
  index: number,
  expected: Pick<ExpectedResponse, 'stream' | 'owes'>,
): Promise<FetchedPage | undefined> {
  const { syncs, connector, clock, objects } = context;
  for (let phase = phaseOf(context.path) - 1; phase >= 0; phase--) {
    const item = await syncs.get(
      failedPageKey(connector.name, context.ref, `${rootPath(phase)}${placeOf(context.path)}#${index}`),
    );
    if (item === undefined) continue;
    const { kept } = failedPageState.parse(item);
    const stored = kept === undefined ? undefined : await objects.get(kept);
    if (stored === undefined) return undefined;
    const { url, body, lag, ...answer } = keptSchema.parse(JSON.parse(await context.gunzip(stored)));
    const verdict = judgeResponse(
      { ...answer, body: new TextEncoder().encode(body) },
      { ...expected, rules: connector.errors, asked: { method: 'GET', url }, now: clock.now() },
    );
    if (!('records' in verdict)) return undefined;
    const { is, reply, records, total, ambiguous } = verdict;
    const redaction = { secrets: [], paths: connector.redact };
    const exchange = {
      request: `kept ${url}`,
      asked: url,
      status: answer.status,
      answer: undefined,
      requests: 0,
      redaction,
    };
    return {
      ...{ reply, records, total, ambiguous, url, lag },
      ...{ estimate: undefined, empty: is === 'empty', exchange: { ...exchange, keptText: () => body } },
    };
  }
  return undefined;
}
