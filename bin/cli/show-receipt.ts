import { dirname } from 'node:path';
import { styleText } from 'node:util';
import type { Receipt, SchemaChange } from '../../lib/core/verdict/receipt.ts';
import { wrapOnTerminal } from './output.ts';

const format = new Intl.NumberFormat('en');
const count = (value: number, noun: string): string => `${format.format(value)} ${noun}${value === 1 ? '' : 's'}`;

/**
 * A receipt for people: the verdict first, what it rests on, why it is not COMPLETE, what to do about it, and last where everything lies: `folder`,
 * a folder or the URL of a bucket.
 * `stack`: the option that names the stack, such as `--stage prod`; none if nothing of the stack is kept.
 */
export function describeReceipt(receipt: Receipt, folder: string, stack: string | undefined): string {
  const place = `${folder.replace(/[/]+$/, '')}/${receipt.manifest}`;
  const told = [
    ...restsOn(receipt).map((text) => `  rests on ${text}`),
    `  ${factsOf(receipt).join(', ')}`,
    ...reasonsOnce(receipt).map(({ message, pages, code }) => `  why: ${message}${describePages(pages)} [${code}]`),
    ...receipt.warnings.filter(isNews).map(({ message }) => `  note: ${message}`),
    ...(receipt.notes ?? []).map(({ message, pages }) => `  note: ${message} (${count(pages, 'page')})`),
    ...receipt.schema.map(describeChange),
    ...(receipt.accepted === undefined ? [] : [`  accepted: ${receipt.accepted.reason}`]),
    ...nextSteps(receipt, stack).map((step) => `  → ${step}`),
  ];
  return [
    verdictLine(receipt),
    ...told.map((line) => wrapOnTerminal(line, 2)),
    `  records   ${dirname(dirname(place))}/parts`,
    `  manifest  ${place}`,
    `  receipt   ${dirname(place)}/receipt.json`,
    '',
  ].join('\n');
}

const COLOURS = { COMPLETE: 'green', INCOMPLETE: 'red', UNKNOWN: 'yellow' } as const;

function verdictLine({ stream, verdict, evidence, mode, warnings }: Receipt): string {
  const simulated = warnings.some(({ code }) => code === 'simulated') ? ', simulated' : '';
  const by = evidence === null ? '' : ` by ${evidence}`;
  return `${stream}: ${styleText(COLOURS[verdict], verdict, { stream: process.stdout })}${by} (${mode}${simulated})`;
}

/** What the evidence of a receipt is; nothing where it has none. */
export function restsOn({ evidence, expected, movement, checked }: Receipt): string[] {
  if (evidence === null) return [];
  const moved = checked.moved > 0 ? `, records had moved in ${format.format(checked.moved)}` : ', none had changed';
  const look = `a second look at ${format.format(checked.pages)} of ${count(checked.of, 'page')}${moved}`;
  const stated =
    expected.records === null
      ? 'the total that the API states'
      : `the API's total of ${format.format(expected.records)}`;
  const rests = {
    key: "an order by a unique key, read to the API's own end",
    overlap: `${count(movement.checked, 'edge')} of neighbouring pages, which agree${movement.repaired > 0 ? ` (${format.format(movement.repaired)} after they were read again)` : ''}`,
    count: stated,
    end: "the API's own end",
  }[evidence];
  return [checked.pages > 0 ? `${rests}, and ${look}` : rests];
}

/** The essential numbers of a receipt. */
export function factsOf({ records, pages, requests, startedAt, finishedAt }: Receipt): string[] {
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000;
  const troubled = [
    ...(requests.throttled > 0 ? [`${format.format(requests.throttled)} throttled`] : []),
    ...(requests.retried > 0 ? [`${format.format(requests.retried)} retried`] : []),
  ];
  return [
    `${count(records.delivered, 'record')} delivered in ${count(pages.fetched, 'page')}`,
    ...(records.quarantined > 0 ? [`${format.format(records.quarantined)} quarantined`] : []),
    ...(pages.failed > 0 ? [`${count(pages.failed, 'page')} failed`] : []),
    `${count(requests.sent, 'request')}${troubled.length > 0 ? ` (${troubled.join(', ')})` : ''}`,
    `${seconds.toFixed(1)} s`,
  ];
}

/** Reasons, each once: the same sentence about other pages is the same reason. */
export function reasonsOnce({ reasons }: Receipt): readonly Receipt['reasons'][number][] {
  const found = new Map<string, Receipt['reasons'][number]>();
  for (const reason of reasons) {
    const name = `${reason.code} ${reason.message}`;
    const before = found.get(name);
    const pages = [...new Set([...(before?.pages ?? []), ...(reason.pages ?? [])])];
    found.set(name, { ...reason, ...(pages.length > 0 && { pages }) });
  }
  return [...found.values()];
}

/** What neither the verdict's line nor the numbers say. */
const isNews = ({ code }: Receipt['warnings'][number]): boolean => code !== 'simulated' && code !== 'quarantined';

const describeChange = ({ path, change, page, sample }: SchemaChange): string =>
  path === '(record)'
    ? `  schema: a record on page ${page} cannot be read: ${sample}`
    : `  schema: "${path}" is ${change} on page ${page}, e.g. ${sample}`;

/** What to type next, where something is missing or was set aside. */
export function nextSteps({ connector, pages, records, accepted }: Receipt, stack: string | undefined): string[] {
  const [failed, quarantined] = [pages.failed > 0 && accepted === undefined, records.quarantined > 0];
  if (!failed && !quarantined) return [];
  if (stack === undefined) return ['with --state <folder> it can be looked at, and mended, without a new sync'];
  return [
    ...(failed ? [`what came instead: npx headgate failures show ${connector} ${stack}`] : []),
    ...(quarantined ? [`once the schema is mended: npx headgate failures map ${connector} ${stack}`] : []),
  ];
}

const SHOWN_PAGES = 10;

export function describePages(pages: readonly number[] = []): string {
  if (pages.length === 0) return '';
  const more = pages.length > SHOWN_PAGES ? ` and ${pages.length - SHOWN_PAGES} more` : '';
  return ` (page ${pages.slice(0, SHOWN_PAGES).join(', ')}${more})`;
}
