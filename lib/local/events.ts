import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { jsonBackend, operation } from './json-protocol.ts';
import type { Backend } from './service.ts';

export type PublishedEvent = { readonly source: string; readonly detailType: string; readonly detail: unknown };

const entrySchema = z.object({ Source: z.string(), DetailType: z.string(), Detail: z.string() });
/** At most 10 entries in one call (EventBridge API reference, PutEvents). */
const inputSchema = z.object({ Entries: z.array(z.unknown()).min(1).max(10) });

/** EventBridge: every event goes to one listener. An entry that is not well formed fails alone, as on AWS. */
export function eventBridge(onEvent: (event: PublishedEvent) => void): Backend {
  const publish = (entry: unknown) => {
    const parsed = entrySchema.safeParse(entry);
    if (!parsed.success) return { ErrorCode: 'InvalidArgument', ErrorMessage: z.prettifyError(parsed.error) };
    const detail = parseDetail(parsed.data.Detail);
    if (!detail.ok) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    onEvent({ source: parsed.data.Source, detailType: parsed.data.DetailType, detail: detail.value });
    return { EventId: randomUUID() };
  };
  return jsonBackend('1.1', {
    PutEvents: operation(inputSchema, ({ Entries }) => {
      const entries = Entries.map(publish);
      return { FailedEntryCount: entries.filter((entry) => 'ErrorCode' in entry).length, Entries: entries };
    }),
  });
}

function parseDetail(text: string): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}
