import type { PagingKind } from './job.ts';

/** What is timed. Pages have 100 records. */
export type SpeedScenario = {
  readonly title: string;
  readonly paging: PagingKind;
  readonly streams: number;
  /** Records in each listing, or parents. */
  readonly records: number;
  /** Milliseconds before each answer. */
  readonly latency: number;
};

export const speedScenarios: readonly SpeedScenario[] = [
  { title: 'one page', paging: 'pages', streams: 1, records: 100, latency: 0 },
  { title: '1,000 pages, 0 ms', paging: 'pages', streams: 1, records: 100_000, latency: 0 },
  { title: '10,000 pages, 0 ms', paging: 'pages', streams: 1, records: 1_000_000, latency: 0 },
  { title: '200 pages, 50 ms', paging: 'pages', streams: 1, records: 20_000, latency: 50 },
  { title: 'a chain of 1,000 pages, 0 ms', paging: 'cursor', streams: 1, records: 100_000, latency: 0 },
  { title: 'a chain of 200 pages, 20 ms', paging: 'cursor', streams: 1, records: 20_000, latency: 20 },
  { title: '20 streams of 50 pages, 50 ms', paging: 'pages', streams: 20, records: 5_000, latency: 50 },
  { title: '1,000 parents, 10 ms', paging: 'parents', streams: 1, records: 1_000, latency: 10 },
];

/** The same in small, to see that everything runs: its numbers compare nothing. */
export const quickScenarios: readonly SpeedScenario[] = [
  { title: 'one page', paging: 'pages', streams: 1, records: 100, latency: 0 },
  { title: '20 pages, 5 ms', paging: 'pages', streams: 1, records: 2_000, latency: 5 },
  { title: 'a chain of 20 pages, 0 ms', paging: 'cursor', streams: 1, records: 2_000, latency: 0 },
  { title: '4 streams of 2 pages, 5 ms', paging: 'pages', streams: 4, records: 200, latency: 5 },
  { title: '20 parents, 5 ms', paging: 'parents', streams: 1, records: 20, latency: 5 },
];
