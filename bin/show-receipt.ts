import { dirname, join } from 'node:path';
import type { Receipt } from '../lib/core/receipt.ts';

const format = new Intl.NumberFormat('en');
const count = (value: number, noun: string): string => `${format.format(value)} ${noun}${value === 1 ? '' : 's'}`;

/** A receipt for people: the verdict first, why, and where everything lies. `folder`: where it was copied to. */
export function describeReceipt(receipt: Receipt, folder: string): string {
  const { stream, verdict, evidence, mode, records, pages, requests, reasons, manifest } = receipt;
  const seconds = (Date.parse(receipt.finishedAt) - Date.parse(receipt.startedAt)) / 1_000;
  const place = dirname(join(folder, manifest));
  const facts = [
    `${count(records.delivered, 'record')} delivered in ${count(pages.fetched, 'page')}`,
    ...(records.quarantined > 0 ? [`${format.format(records.quarantined)} quarantined`] : []),
    ...(pages.failed > 0 ? [`${count(pages.failed, 'page')} failed`] : []),
    `${count(requests.sent, 'request')}${requests.retried > 0 ? ` (${format.format(requests.retried)} retried)` : ''}`,
    `${seconds.toFixed(1)} s`,
  ];
  return [
    `${stream}: ${verdict}${evidence === null ? '' : ` by ${evidence}`} (${mode})`,
    `  ${facts.join(', ')}`,
    ...reasons.map((reason) => `  why: ${reason.message}${describePages(reason.pages)} [${reason.code}]`),
    ...receipt.schema.map(
      ({ path, change, page, sample }) => `  schema: "${path}" is ${change} on page ${page}, e.g. ${sample}`,
    ),
    `  records   ${join(dirname(place), 'parts')}`,
    `  manifest  ${join(folder, manifest)}`,
    `  receipt   ${join(place, 'receipt.json')}`,
    '',
  ].join('\n');
}

const SHOWN_PAGES = 10;

function describePages(pages: readonly number[] = []): string {
  if (pages.length === 0) return '';
  const more = pages.length > SHOWN_PAGES ? ` and ${pages.length - SHOWN_PAGES} more` : '';
  return ` (page ${pages.slice(0, SHOWN_PAGES).join(', ')}${more})`;
}
