import { dirname } from 'node:path';
import type { Receipt, SchemaChange } from '../../lib/core/verdict/receipt.ts';

const format = new Intl.NumberFormat('en');
const count = (value: number, noun: string): string => `${format.format(value)} ${noun}${value === 1 ? '' : 's'}`;

/**
 * A receipt for people: the verdict first, why, what to do about it, and where everything lies: `folder`, a folder or
 * the URL of a bucket.
 * `stack`: the option that names the stack, such as `--stage prod`; none if nothing of the stack is kept.
 */
export function describeReceipt(receipt: Receipt, folder: string, stack: string | undefined): string {
  const { stream, verdict, evidence, mode, records, pages, requests, reasons, manifest } = receipt;
  const seconds = (Date.parse(receipt.finishedAt) - Date.parse(receipt.startedAt)) / 1_000;
  const place = `${folder.replace(/[/]+$/, '')}/${manifest}`;
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
    ...(receipt.notes ?? []).map(({ message, pages }) => `  note: ${message} (${count(pages, 'page')})`),
    ...receipt.schema.map(describeChange),
    ...(receipt.accepted === undefined ? [] : [`  accepted: ${receipt.accepted.reason}`]),
    ...nextSteps(receipt, stack).map((step) => `  → ${step}`),
    `  records   ${dirname(dirname(place))}/parts`,
    `  manifest  ${place}`,
    `  receipt   ${dirname(place)}/receipt.json`,
    '',
  ].join('\n');
}

const describeChange = ({ path, change, page, sample }: SchemaChange): string =>
  path === '(record)'
    ? `  schema: a record on page ${page} cannot be read: ${sample}`
    : `  schema: "${path}" is ${change} on page ${page}, e.g. ${sample}`;

/** What to type next, where something is missing or was set aside. */
function nextSteps({ connector, pages, records, accepted }: Receipt, stack: string | undefined): string[] {
  const [failed, quarantined] = [pages.failed > 0 && accepted === undefined, records.quarantined > 0];
  if (!failed && !quarantined) return [];
  if (stack === undefined) return ['with --state <folder> it can be looked at, and mended, without a new sync'];
  return [
    ...(failed ? [`what came instead: npx headgate failures show ${connector} ${stack}`] : []),
    ...(quarantined ? [`once the schema is mended: npx headgate failures map ${connector} ${stack}`] : []),
  ];
}

const SHOWN_PAGES = 10;

function describePages(pages: readonly number[] = []): string {
  if (pages.length === 0) return '';
  const more = pages.length > SHOWN_PAGES ? ` and ${pages.length - SHOWN_PAGES} more` : '';
  return ` (page ${pages.slice(0, SHOWN_PAGES).join(', ')}${more})`;
}
