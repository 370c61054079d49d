import { PAGE, type Probe, type ProbeApi, type ProbeRequest } from './probe.ts';

/** Takes 30 rows of page 1 away after page 2 was answered for the first time. */
function deleteRows(request: ProbeRequest, api: ProbeApi) {
  const answer = api.honest(request);
  if (request.page === 2 && api.ids.includes('10'))
    api.ids = api.ids.filter((id) => Number(id) < 10 || Number(id) >= 40);
  return answer;
}

/** Puts 30 rows before the first after page 2 was answered for the first time. */
function insertRows(request: ProbeRequest, api: ProbeApi) {
  const answer = api.honest(request);
  if (request.page === 2 && !api.ids.includes('1000'))
    api.ids = [...Array.from({ length: 30 }, (_, index) => String(1_000 + index)), ...api.ids];
  return answer;
}

/** Two rows on pages 3 and 4 swap places between the two, as rows that a sort does not tell apart may. */
function swapRows(request: ProbeRequest, api: ProbeApi) {
  const answer = api.honest(request);
  if (request.page === 3 && request.times === 1) {
    const [low, high] = [api.ids[2.5 * PAGE] ?? '', api.ids[3.5 * PAGE] ?? ''];
    api.ids = api.ids.map((id) => (id === low ? high : id === high ? low : id));
  }
  return answer;
}

/** Rows that come, go and move while they are read. */
export const movingProbes: readonly Probe[] = [
  { title: 'deletes rows while numbered pages are read', paging: 'pages', answer: deleteRows },
  { title: 'deletes rows while offsets are read', paging: 'offsets', answer: deleteRows },
  { title: 'deletes rows while it is read by a cursor that hides an offset', paging: 'cursor', answer: deleteRows },
  { title: 'inserts rows at the front while numbered pages are read', paging: 'pages', answer: insertRows },
  { title: 'swaps two rows while offsets are read', paging: 'offsets', answer: swapRows },
];
