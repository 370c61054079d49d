import { pageNumber } from '../../core/connector/paging.ts';
import type { Stream } from '../../core/connector/stream.ts';
import type { Gzip } from '../ports.ts';
import type { Part } from '../store/sync-state.ts';
import { quarantineKey } from './store-part.ts';

export type DeliveredPart = Part & { readonly slice: string | undefined };

/** Lines are compressed when so many characters of them are waiting. */
const PORTION = 1_024 * 1_024;

/**
 * The list of the parts that count, one JSON line each, compressed a portion at a time: a gzip file may have several members (RFC 1952, section 2.2).
 */
export function openManifest(gzip: Gzip, { paging }: Pick<Stream, 'paging'>) {
  const members: Uint8Array[] = [];
  let waiting = '';
  async function compress(): Promise<void> {
    const text = waiting;
    waiting = '';
    members.push(await gzip(text));
  }
  return {
    async add(parts: readonly DeliveredPart[]): Promise<void> {
      for (const part of parts) waiting += `${lineOf(paging, part)}\n`;
      if (waiting.length >= PORTION) await compress();
    },
    async close(): Promise<Uint8Array> {
      if (waiting !== '' || members.length === 0) await compress();
      return Buffer.concat(members);
    },
  };
}

function lineOf(paging: Stream['paging'], { key, bytes, delivered, quarantined, pages, slice }: DeliveredPart): string {
  const numbers = pages.map(([index]) => pageNumber(paging, index));
  const line = { key, bytes, records: delivered, pages: numbers, ...(slice === undefined ? {} : { slice }) };
  return JSON.stringify(quarantined === 0 ? line : { ...line, quarantined, quarantine: quarantineKey(key) });
}
