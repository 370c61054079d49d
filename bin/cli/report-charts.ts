import { type HtmlText, html } from './html.ts';
import { type LimitUsage, latencyCells, OUTCOMES, type RequestOutcome, type TimeGrid } from './report-numbers.ts';
import type { RecordedHold, RecordedRequest } from './run-record.ts';

/** Charts of a report, as SVG that stretches with the page. It holds shapes only: text that stretches could not be read. */

const HEIGHT = 100;

/** A bar for each column and part of it. Only what is not empty is drawn. */
const bar = (column: number, from: number, height: number, name: string): HtmlText =>
  height <= 0
    ? html``
    : html`<rect class="${name}" x="${column}" y="${HEIGHT - from - height}" width="1" height="${height}"/>`;

const round = (value: number): number => Math.round(value * 100) / 100;

/** Times at which nothing was to leave, behind everything else. */
function holdBands(holds: readonly RecordedHold[], { from, width, columns }: TimeGrid): readonly HtmlText[] {
  const place = (time: number): number => Math.max(0, Math.min(columns, (time - from) / width));
  return holds.flatMap((hold) => {
    const [left, right] = [place(hold.from), place(hold.until)];
    if (right <= left) return [];
    return [html`<rect class="held" x="${round(left)}" y="0" width="${round(right - left)}" height="${HEIGHT}"/>`];
  });
}

const chart = (label: string, columns: number, shapes: readonly HtmlText[]): HtmlText =>
  html`<svg role="img" aria-label="${label}" viewBox="0 0 ${columns} ${HEIGHT}" preserveAspectRatio="none">${shapes}</svg>`;

/** How much of a limit each column used; the line is the limit. */
export function limitChart(label: string, { columns, peak }: LimitUsage, limit: number): HtmlText {
  const scale = HEIGHT / (1.15 * Math.max(limit, peak));
  const line = round(HEIGHT - limit * scale);
  return chart(label, columns.length, [
    ...columns.map((units, column) => bar(column, 0, round(units * scale), units > limit ? 'failed' : 'answered')),
    html`<line class="limit" x1="0" x2="${columns.length}" y1="${line}" y2="${line}"/>`,
  ]);
}

/** Requests by the time at which they left, each outcome on top of the one before. */
export function requestChart(
  label: string,
  counts: readonly Record<RequestOutcome, number>[],
  { grid, holds }: { readonly grid: TimeGrid; readonly holds: readonly RecordedHold[] },
): HtmlText {
  const scale = HEIGHT / Math.max(1, mostInColumn(counts));
  const stacked = counts.flatMap((column, index) => {
    let from = 0;
    return OUTCOMES.map((outcome) => {
      const height = round(column[outcome] * scale);
      from += height;
      return bar(index, from - height, height, outcome);
    });
  });
  return chart(label, counts.length, [...holdBands(holds, grid), ...stacked]);
}

export const mostInColumn = (counts: readonly Record<RequestOutcome, number>[]): number =>
  counts.reduce(
    (most, column) =>
      Math.max(
        most,
        OUTCOMES.reduce((sum, outcome) => sum + column[outcome], 0),
      ),
    0,
  );

const ROWS = 16;

/** How long each answer took, by the time at which its request left. */
export function latencyChart(
  label: string,
  requests: readonly RecordedRequest[],
  { grid, most }: { readonly grid: TimeGrid; readonly most: number },
): HtmlText {
  const height = HEIGHT / ROWS;
  const cells = latencyCells(requests, grid, { rows: ROWS, most });
  return chart(
    label,
    grid.columns,
    cells.map(({ column, row, outcome }) => bar(column, row * height, height, outcome)),
  );
}
