import { jsonAnswer, type Probe, type ProbeAnswer } from './probe.ts';

const refused = (headers: Readonly<Record<string, string>>): ProbeAnswer =>
  jsonAnswer({ message: 'Too many requests.' }, 429, headers);
const SECOND = 1_000;

/** Refuses page 3 until the advised time, and remarks that a run asks sooner. */
const advising =
  (advice: (until: number) => string, milliseconds: number): Probe['answer'] =>
  (request, api) => {
    if (request.page !== 3) return api.honest(request);
    const until = api.memory.get('until') ?? Math.ceil(Date.now() / SECOND) * SECOND + milliseconds;
    if (api.memory.has('until') && Date.now() >= until) return api.honest(request);
    if (api.memory.has('until')) api.remarks.add('asks again before the advised time');
    api.memory.set('until', until);
    return refused({ 'retry-after': advice(until) });
  };
const inSeconds = (until: number): string => String(Math.max(1, Math.ceil((until - Date.now()) / SECOND)));
const asDate = (until: number): string => new Date(until).toUTCString();

/** Limits, and what is said of them. */
export const limitProbes: readonly Probe[] = [
  { title: 'asks for 4 s of patience, as seconds', paging: 'pages', answer: advising(inSeconds, 4 * SECOND) },
  { title: 'asks for 6 s of patience, as a date', paging: 'pages', answer: advising(asDate, 6 * SECOND) },
  { title: 'asks for an hour of patience', paging: 'pages', seconds: 40, answer: advising(inSeconds, 3_600 * SECOND) },
  {
    title: 'says 429 twice, with headers that mean nothing',
    paging: 'pages',
    answer: (request, api) =>
      request.page === 3 && request.times <= 2
        ? refused({ 'retry-after': 'later', 'x-ratelimit-remaining': 'lots', 'ratelimit-reset': '-1.5' })
        : api.honest(request),
  },
  {
    title: 'sends rate headers that mean nothing with every answer',
    paging: 'pages',
    answer: (request, api) => {
      const answer = api.honest(request);
      const headers = { ratelimit: '"default";r=;t=', 'ratelimit-remaining': '1.5', 'x-ratelimit-reset': 'soon' };
      return { ...answer, headers: { ...answer.headers, ...headers } };
    },
  },
  {
    title: 'never answers page 3, the first time',
    paging: 'pages',
    seconds: 100,
    answer: (request, api) => ({ ...api.honest(request), hangs: request.page === 3 && request.times === 1 }),
  },
];
