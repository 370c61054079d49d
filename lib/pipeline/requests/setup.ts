import * as z from 'zod';
import type { Raw } from '../../core/connector/connector.ts';
import { readJson, writeJson } from '../../core/response/json.ts';
import type { Reason } from '../../core/response/judge.ts';
import { atNode, type SyncContext } from '../invocation.ts';
import { updateNode } from '../store/node.ts';
import type { ListedSlice } from '../store/slices.ts';
import { expiryOf, ROOT_PATH, setupKey } from '../store/sync-keys.ts';
import { askOnce, type PageRequest, type SetupResult } from './fetch-page.ts';
import { refusePage, requestsOf, unsentRefusal } from './fetched-page.ts';

/** An item of DynamoDB has at most 400 KB (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html); this is in bytes. */
const MOST_KEPT = 350 * 1_024;

const kept = z.object({ value: z.string() });

/** How a stream's `setup` is asked, if it has to be. */
export type SetupRequest = Pick<PageRequest, 'account' | 'meters' | 'patience'>;

/**
 * The answer to a stream's `setup`: asked by the worker that needs it first, and kept for all requests of the sync, so that they agree. Two who ask at
 * once keep the answer that was put first.
 */
export async function setupOf(
  context: SyncContext,
  { stream, name }: ListedSlice,
  { account, meters, patience }: SetupRequest,
): Promise<SetupResult> {
  const { setup } = stream;
  if (setup === undefined) return { value: undefined };
  if ('code' in account) return { refusal: unsentRefusal(account) };
  const key = setupKey(context.connector.name, context.ref, name);
  const found = await context.syncs.get(key);
  if (found !== undefined) return { value: readJson(kept.parse(found).value) };

  const asked = await askOnce(context, { account, meters, patience, request: setup.request });
  const requests = requestsOf(['refusal' in asked ? asked.refusal : asked]);
  if (requests > 0) await updateNode(atNode(context, ROOT_PATH), { add: { requests } });
  if ('refusal' in asked) return { refusal: { ...asked.refusal, exchange: undefined } };
  const read = readSetup(setup.read, asked.reply);
  if ('code' in read) return { refusal: { ...refusePage(asked, read), exchange: undefined } };
  const put = await context.syncs.create(key, { value: read.value, ...expiryOf(context.clock.now()) });
  return { value: readJson(kept.parse(put.item).value) }; // R37
}

function readSetup(read: (reply: Raw) => unknown, reply: Raw): { value: string } | Reason {
  try {
    const value = writeJson(read(reply)) ?? 'null';
    const bytes = Buffer.byteLength(value);
    if (bytes <= MOST_KEPT) return { value };
    return {
      code: 'bad-setup',
      message: `"setup" reads ${bytes} bytes of its answer, and at most ${MOST_KEPT} are kept for the sync: read less`,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { code: 'bad-setup', message: `"setup" cannot be read from its answer: ${why}` };
  }
}
