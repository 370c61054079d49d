import { jsonAnswer, onThird, PAGE, type Probe } from './probe.ts';
import { cursorAt, listingAnswer } from './probe-api.ts';

const third = (api: { ids: readonly string[] }, extra: Readonly<Record<string, unknown>>) =>
  listingAnswer(api.ids, 'cursor', 2 * PAGE, 3 * PAGE, extra);

/** Listings that are walked by what each page says of the next. */
export const chainProbes: readonly Probe[] = [
  {
    title: 'leads from page 3 back to page 2',
    paging: 'cursor',
    answer: (request, api) => (request.page === 3 ? third(api, { next: cursorAt(PAGE) }) : api.honest(request)),
  },
  {
    title: 'renames its cursor from page 3 on',
    paging: 'cursor',
    answer: (request, api) =>
      request.page === 3 ? third(api, { next: undefined, next_cursor: cursorAt(3 * PAGE) }) : api.honest(request),
  },
  {
    title: 'loses the cursor of page 3, though `has_more` is true',
    paging: 'cursor',
    answer: (request, api) => (request.page === 3 ? third(api, { next: null, has_more: true }) : api.honest(request)),
  },
  {
    title: 'gives an empty page that leads on',
    paging: 'cursor',
    answer: (request, api) =>
      request.page === 3 ? listingAnswer(api.ids, 'cursor', 0, 0, { next: cursorAt(3 * PAGE) }) : api.honest(request),
  },
  {
    title: 'says 200 with an error inside of a chain, each time',
    paging: 'cursor',
    answer: onThird(jsonAnswer({ error: 'internal', rows: [] }), 'each time'),
  },
  {
    title: 'says that a cursor has expired, each time',
    paging: 'cursor',
    answer: onThird(jsonAnswer({ message: 'This cursor has expired.' }, 410), 'each time'),
  },
  {
    title: 'gives `rows: null` in the middle of a chain, each time',
    paging: 'cursor',
    answer: onThird(jsonAnswer({ rows: null, next: null }), 'each time'),
  },
  {
    title: 'says `next_cursor` in a listing that is declared as one page',
    paging: 'one',
    answer: (_request, api) => listingAnswer(api.ids, 'one', 0, PAGE, { next_cursor: cursorAt(PAGE) }),
  },
  {
    title: 'leaves out the `Link` header of page 3',
    paging: 'links',
    answer: (request, api) => (request.page === 3 ? { ...api.honest(request), headers: {} } : api.honest(request)),
  },
];
