import { htmlAnswer, jsonAnswer, onThird, PAGE, type Probe } from './probe.ts';
import { listingAnswer } from './probe-api.ts';

const TOTAL = 450;
const empty = jsonAnswer({ rows: [], total: TOTAL });
const overloaded = jsonAnswer({ error: { code: 'overloaded', message: 'Try again later.' } });
const maintenance = htmlAnswer('<!doctype html><title>Scheduled maintenance</title><p>We are back soon.');
const wrong = jsonAnswer({ message: 'Something went wrong.' }, 500);
const deep = jsonAnswer({ message: 'Pages beyond 3 cannot be read.' }, 400);
const truncated: Probe['answer'] = (request, api) => {
  const answer = api.honest(request);
  return request.page === 3 ? { ...answer, body: answer.body.slice(0, answer.body.length / 2) } : answer;
};

/** Numbered pages that state a total. Page 3 of 5 is the one that misbehaves. */
export const pageProbes: readonly Probe[] = [
  { title: 'is honest', paging: 'pages', answer: (request, api) => api.honest(request) },
  { title: 'gives an empty page in the middle, once', paging: 'pages', answer: onThird(empty, 'once') },
  { title: 'gives an empty page in the middle, each time', paging: 'pages', answer: onThird(empty, 'each time') },
  { title: 'says 200 with an error inside, once', paging: 'pages', answer: onThird(overloaded, 'once') },
  { title: 'says 200 with an error inside, each time', paging: 'pages', answer: onThird(overloaded, 'each time') },
  { title: 'says 200 with HTML, once', paging: 'pages', answer: onThird(maintenance, 'once') },
  { title: 'says 200 with HTML, each time', paging: 'pages', answer: onThird(maintenance, 'each time') },
  { title: 'says 200 without a body, each time', paging: 'pages', answer: onThird(jsonAnswer(''), 'each time') },
  { title: 'says 204, each time', paging: 'pages', answer: onThird(jsonAnswer('', 204), 'each time') },
  {
    title: 'says 202 without rows, each time',
    paging: 'pages',
    answer: onThird(jsonAnswer({ rows: [] }, 202), 'each time'),
  },
  { title: 'says 500, once', paging: 'pages', answer: onThird(wrong, 'once') },
  { title: 'says 500, each time', paging: 'pages', answer: onThird(wrong, 'each time') },
  { title: 'cuts JSON off in the middle, each time', paging: 'pages', answer: truncated },
  {
    title: 'breaks the connection in the middle of a body, once',
    paging: 'pages',
    answer: (request, api) => ({ ...api.honest(request), cut: request.page === 3 && request.times === 1 }),
  },
  {
    title: 'says 206 with half of a page, each time',
    paging: 'pages',
    answer: (request, api) =>
      request.page === 3
        ? {
            ...listingAnswer(api.ids, 'pages', 2 * PAGE, 2.5 * PAGE),
            status: 206,
          }
        : api.honest(request),
  },
  {
    title: 'gives half of a page and says `"errors"` beside it, each time',
    paging: 'pages',
    answer: (request, api) =>
      request.page === 3
        ? listingAnswer(api.ids, 'pages', 2 * PAGE, 2.5 * PAGE, { errors: [{ message: 'A shard did not answer.' }] })
        : api.honest(request),
  },
  {
    title: 'gives at most 50 records, whatever size is asked for',
    paging: 'pages',
    answer: (request, api) => {
      const start = (Number(request.query.get('page') ?? 1) - 1) * 50;
      return listingAnswer(api.ids, 'pages', start, start + 50);
    },
  },
  {
    title: 'gives page 2 again in place of page 3',
    paging: 'pages',
    answer: (request, api) =>
      request.page === 3 ? listingAnswer(api.ids, 'pages', PAGE, 2 * PAGE) : api.honest(request),
  },
  {
    title: 'gives page 3 again for every page after it',
    paging: 'pages',
    answer: (request, api) =>
      request.page > 3 ? listingAnswer(api.ids, 'pages', 2 * PAGE, 3 * PAGE) : api.honest(request),
  },
  {
    title: 'refuses pages after the third',
    paging: 'pages',
    answer: (request, api) => (request.page > 3 ? deep : api.honest(request)),
  },
  {
    title: 'caps its total at 1,000, and what can be read, of 1,250',
    paging: 'pages',
    rows: 1_250,
    answer: ({ page }, api) =>
      listingAnswer(api.ids, 'pages', (page - 1) * PAGE, Math.min(page * PAGE, 1_000), { total: 1_000 }),
  },
];
