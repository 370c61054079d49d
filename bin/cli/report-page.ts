import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { type HtmlText, html } from './html.ts';
import { latencyChart, limitChart, mostInColumn, requestChart } from './report-charts.ts';
import {
  countByColumn,
  latencyOf,
  limitUsage,
  OUTCOMES,
  outcomeOf,
  type RequestOutcome,
  type TimeGrid,
  type TroubleSummary,
  timeGrid,
  troublesOf,
} from './report-numbers.ts';
import { REPORT_STYLE } from './report-style.ts';
import type { RecordedRequest, RunRecord } from './run-record.ts';
import { describePages, factsOf, nextSteps, reasonsOnce, restsOn } from './show-receipt.ts';
import { durationText, type LimitUse } from './stream-progress.ts';

/** What a report is about. `stack`: the option that names the stack, if anything of it is kept. */
export type ReportedRun = {
  readonly connector: string;
  readonly streams: readonly string[];
  readonly uses: readonly LimitUse[];
  readonly simulated: string | undefined;
  readonly stack: string | undefined;
  readonly record: RunRecord;
};

/** Columns of every chart. */
const COLUMNS = 240;

const format = new Intl.NumberFormat('en');
const count = (value: number, noun: string): string => `${format.format(value)} ${noun}${value === 1 ? '' : 's'}`;
const millis = (value: number): string =>
  value < 1_000 ? `${Math.round(value)} ms` : `${format.format(Math.round(value / 100) / 10)} s`;
const iso = (time: number): string => `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** One page that needs nothing else: what each stream's receipt says, and what was asked when. */
export function reportPage(run: ReportedRun): string {
  const { connector, streams, uses, simulated, record } = run;
  const grid = timeGrid(record, COLUMNS);
  const receipts = new Map(record.receipts.map((receipt) => [receipt.stream, receipt]));
  const title = `${connector}: ${verdictsOf(streams, receipts)}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="quiet">${iso(record.startedAt)}, ${durationText(record.endedAt - record.startedAt)}, ${count(record.requests.length, 'request')}</p>
${simulated === undefined ? [] : [html`<p class="notice">The simulator answered in the place of ${simulated}: no record is of a real API.</p>`]}
<section class="cards">
${streams.map((stream) => verdictCard(stream, receipts.get(stream), run.stack))}
</section>
${limitSection(uses, record, grid)}
<section>
<h2>Requests over time</h2>
${legend(record)}
${streams.map((stream) => streamTimeline(stream, record, grid))}
</section>
${troubleSection(record, grid)}
</main>
</body>
</html>
`.text;
}

/** How many streams got which verdict: `3 COMPLETE, 1 UNKNOWN`. */
function verdictsOf(streams: readonly string[], receipts: ReadonlyMap<string, Receipt>): string {
  const verdicts = streams.map((stream) => receipts.get(stream)?.verdict ?? 'without a receipt');
  return [...new Set(verdicts)]
    .map((verdict) => `${verdicts.filter((each) => each === verdict).length} ${verdict}`)
    .join(', ');
}

function verdictCard(stream: string, receipt: Receipt | undefined, stack: string | undefined): HtmlText {
  if (receipt === undefined)
    return html`<article class="card"><h2>${stream}</h2><p>The run ended before there was a receipt.</p></article>`;
  const { verdict, evidence, mode } = receipt;
  const by = evidence === null ? '' : ` by ${evidence}`;
  const facts = factsOf(receipt).map((fact) => html`<li>${fact}</li>`);
  const lines = [
    ...reasonsOnce(receipt).map(
      ({ message, pages, code }) => html`<p><b>why</b> ${message}${describePages(pages)} <code>${code}</code></p>`,
    ),
    ...receipt.warnings.map(({ message, code }) => html`<p><b>note</b> ${message} <code>${code}</code></p>`),
    ...nextSteps(receipt, stack).map((step) => html`<p><b>next</b> ${step}</p>`),
  ];
  return html`<article class="card">
<h2>${stream}</h2>
<p class="verdict ${verdict.toLowerCase()}">${verdict}${by} <span class="quiet">${mode}</span></p>
${restsOn(receipt).map((text) => html`<p>It rests on ${text}.</p>`)}
<ul class="facts">${facts}</ul>
${lines}
</article>
`;
}

function limitSection(uses: readonly LimitUse[], { requests }: RunRecord, grid: TimeGrid): HtmlText {
  if (uses.length === 0)
    return html`<section>
<h2>Requests against the limit</h2>
<p class="quiet">The connector declares no limit.</p>
</section>
`;
  const charts = uses.map((use) => {
    const { limit, streams } = use;
    const declared = limit.requests ?? limit.points;
    const unit = limit.points === undefined ? 'request' : 'point';
    const usage = limitUsage(requests, use, grid);
    const share = limit.share === undefined ? '' : `, of which ${Math.round(limit.share * 100)} % are ours`;
    const label = `${count(declared, unit)} per ${limit.per}${share}`;
    const peak = `at most ${format.format(usage.peak)} in any window: ${Math.round((usage.peak / declared) * 100)} %`;
    return html`<figure>
<figcaption><span>${label} <span class="quiet">${[...streams.keys()].join(', ')}</span></span><span>${peak}</span></figcaption>
${limitChart(`${label}; ${peak}`, usage, declared)}
${timeAxis(grid)}
</figure>
`;
  });
  return html`<section>
<h2>Requests against the limit</h2>
<p class="quiet">Each bar is what left within one window that ends there; the line is the limit. Requests for tokens are not among them.</p>
${charts}
</section>
`;
}

const timeAxis = ({ width, columns }: TimeGrid): HtmlText =>
  html`<div class="axis">${[0, 0.5, 1].map((part) => html`<span>${millis(part * width * columns)}</span>`)}</div>`;

const OUTCOME_TEXTS: Readonly<Record<RequestOutcome, string>> = {
  answered: 'answered',
  throttled: 'throttled: the API asked for patience',
  retried: 'no page yet: asked again',
  failed: 'failed',
};

const legend = ({ holds }: RunRecord): HtmlText => html`<ul class="legend">
${OUTCOMES.map((outcome) => html`<li><i class="${outcome}"></i>${OUTCOME_TEXTS[outcome]}</li>`)}
${holds.length === 0 ? [] : [html`<li><i class="held"></i>held: nothing leaves</li>`]}
</ul>`;

function streamTimeline(stream: string, { requests, holds }: RunRecord, grid: TimeGrid): HtmlText {
  const own = requests.filter((request) => request.stream === stream);
  const latency = latencyOf(own);
  if (latency === undefined) return html`<h3>${stream}</h3><p class="quiet">Nothing was asked.</p>`;
  const counts = countByColumn(own, grid);
  const most = `up to ${format.format(mostInColumn(counts))} in ${millis(grid.width)}`;
  const took = `half within ${millis(latency.median)}, 95 % within ${millis(latency.p95)}, the longest ${millis(latency.most)}`;
  return html`<h3>${stream}</h3>
<figure>
<figcaption><span>${totals(own)}</span><span class="quiet">${most}</span></figcaption>
${requestChart(`Requests of ${stream} over time: ${totals(own)}`, counts, { grid, holds })}
<figcaption><span>Latency</span><span class="quiet">${took}</span></figcaption>
${latencyChart(`Latency of ${stream} over time: ${took}`, own, { grid, most: latency.most })}
${timeAxis(grid)}
</figure>
`;
}

function totals(requests: readonly RecordedRequest[]): string {
  const many = (outcome: RequestOutcome): number => requests.filter((each) => outcomeOf(each) === outcome).length;
  return [
    count(requests.length, 'request'),
    ...OUTCOMES.slice(1).flatMap((outcome) =>
      many(outcome) === 0 ? [] : [`${format.format(many(outcome))} ${outcome}`],
    ),
  ].join(', ');
}

/** Of more kinds of trouble than these the first are shown. */
const SHOWN = 50;

function troubleSection({ requests, failures }: RunRecord, grid: TimeGrid): HtmlText {
  const troubles = troublesOf(requests);
  if (troubles.length === 0 && failures.length === 0) return html``;
  const given = failures.map(
    ({ stream, page, reason }) =>
      html`<li><b>${stream}</b> <span class="text failed">set aside</span> page ${page + 1}: ${reason}</li>`,
  );
  const more = troubles.length + given.length - 2 * SHOWN;
  return html`<section>
<h2>What went wrong</h2>
<ul class="troubles">
${troubles.slice(0, SHOWN).map((trouble) => troubleItem(trouble, grid))}
${given.slice(0, SHOWN)}
</ul>
${more > 0 ? [html`<p class="quiet">and up to ${format.format(more)} more</p>`] : []}
</section>
`;
}

function troubleItem(
  { stream, status, reason, outcome, times, first, last }: TroubleSummary,
  grid: TimeGrid,
): HtmlText {
  const when =
    times === 1
      ? `at ${millis(first - grid.from)}`
      : `${format.format(times)} times, from ${millis(first - grid.from)} to ${millis(last - grid.from)}`;
  const answer = status === 0 ? '' : `HTTP ${status}`;
  const said = [reason.startsWith(answer) ? '' : answer, reason].filter((text) => text !== '').join(': ');
  return html`<li><b>${stream}</b> <span class="text ${outcome}">${outcome}</span> ${said} <span class="quiet">${when}</span></li>
`;
}
