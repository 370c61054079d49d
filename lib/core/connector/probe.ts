import { instant } from '../dates.ts';
import type { Request } from '../exchange.ts';
import { DAY } from '../time.ts';
import { dateMark, markKind } from './since.ts';
import type { Stream } from './stream.ts';

/**
 * Asks a stream for two requests that differ only in their page, and two that differ only in their window, or their parent. A request
 * that comes out the same would be sent for ever, or would fetch everything every time. Returns the complaint.
 */
export function probeConnector(stream: Stream): string | undefined {
  const { paging } = stream;
  if ('size' in paging && !(Number.isInteger(paging.size) && paging.size >= (paging.kind === 'offsets' ? 2 : 1))) {
    return `its page size is ${paging.size}; it must be a whole number${paging.kind === 'offsets' ? ' from 2, because pages overlap by one record' : ' from 1'}.`;
  }
  const request: unknown = ask(stream, {});
  if (typeof request === 'object' && request !== null && 'then' in request)
    return 'its request is a promise: it must be the request itself, there and then.';
  if (request === undefined || request === null)
    return 'its request is nothing: an arrow function whose body is in braces needs a "return", or parentheses around them.';
  const [page, other] = samplePages(stream);
  if (other !== undefined && alike(stream, { page }, { page: other })) {
    return `its request ignores "page": it is the same for ${JSON.stringify(page)} and ${JSON.stringify(other)}. Put the page into the path, the query or the body.`;
  }
  const misuse = markMisuse(stream) ?? jobMisuse(stream);
  if (misuse !== undefined) return misuse;
  if (dateMark(stream.since) !== undefined && ignoresWindow(stream) && !stopsAtWindow(stream)) {
    return 'it declares "since", but its request ignores "window". Ask the API for window.from, or leave "since" out. A listing by cursor, links or keyset that begins with the newest change may say `order: \'newest first\'` instead.';
  }
  if (
    stream.each !== undefined &&
    alike(stream, { parent: 'probe' }, { parent: 'another' }) &&
    alike(stream, { parent: standIn('probe') }, { parent: standIn('another') })
  ) {
    return 'it declares "each", but its request ignores "parent" and "parents": it would list the same for all of them.';
  }
  if (stream.slices !== undefined) {
    if (dateMark(stream.since) === undefined)
      return 'it declares "slices" without "since" by a date: nothing says which time they are of.';
    if (alike(stream, { to: 2 * DAY }, { to: 3 * DAY }))
      return 'it declares "slices", but its request ignores "window.to". Ask the API for an upper bound, too.';
  }
  return undefined;
}

/** What is wrong with a stream that tells what is new by a number or a token; `undefined` if nothing is, or it does so by a date. */
function markMisuse(stream: Stream): string | undefined {
  const { since, each, paging } = stream;
  if (since === undefined || 'field' in since) return undefined;
  const word = markKind(since);
  if (each !== undefined)
    return `it declares "since" by ${word} and "each": a ${word} of one parent says nothing of another. Leave "since" out.`;
  if (word === 'token' && (paging.kind === 'pages' || paging.kind === 'offsets' || paging.kind === 'job'))
    return `it declares "since" by token with ${paging.kind === 'job' ? 'the files of a job' : 'numbered pages'}: which of them gives it is not known. Use one(), cursor(), links() or keyset().`;
  return alike(stream, {}, { mark: '7' })
    ? `it declares "since" by ${word}, but its request ignores "window.${word}". Ask the API for what is new from there.`
    : undefined;
}

/** What is wrong with a stream that is read by jobs. */
function jobMisuse({ paging, count, slices }: Stream): string | undefined {
  if (paging.kind !== 'job') return undefined;
  const unused = count !== undefined ? 'count' : slices?.byKey !== undefined ? 'slices.byKey' : undefined;
  return unused === undefined
    ? undefined
    : `it declares "${unused}" and a job: files have no pages to be counted or walked. Leave "${unused}" out.`;
}

/** Whether a stream asks for everything, whatever its window is. */
const ignoresWindow = (stream: Stream): boolean => alike(stream, { from: 0 }, { from: DAY });

const WALKED: ReadonlySet<string> = new Set(['cursor', 'links', 'keyset']);

/**
 * Whether an incremental stream asks for everything and is walked only to the beginning of its window: the API lists the newest change first, and knows
 * no filter.
 */
export const stopsAtWindow = (stream: Stream): boolean =>
  dateMark(stream.since) !== undefined &&
  stream.order === 'newest first' &&
  WALKED.has(stream.paging.kind) &&
  ignoresWindow(stream);

/** Two pages of this paging kind; no second one where the request need not say which page it is for. */
function samplePages({ paging }: Stream): [unknown, unknown?] {
  switch (paging.kind) {
    case 'one':
      return [undefined];
    case 'links':
      return [{ size: paging.size }];
    case 'pages':
      return [
        { number: 1, size: paging.size },
        { number: 2, size: paging.size },
      ];
    case 'offsets':
      return [
        { offset: 0, size: paging.size },
        { offset: paging.size, size: paging.size },
      ];
    case 'cursor':
      return [
        { cursor: undefined, size: paging.size },
        { cursor: 'probe', size: paging.size },
      ];
    case 'keyset':
      return [
        { after: undefined, size: paging.size },
        { after: 'probe', size: paging.size },
      ];
    case 'job':
      return [{ job: undefined }, { job: 'probe' }];
  }
}

type Sample = { page?: unknown; from?: number; to?: number; parent?: unknown; mark?: string };

/** Whether both samples give the same request. One that cannot be asked without real parameters is not judged. */
function alike(stream: Stream, a: Sample, b: Sample): boolean {
  const [one, two] = [ask(stream, a), ask(stream, b)];
  return one !== UNKNOWN && two !== UNKNOWN && JSON.stringify(one) === JSON.stringify(two);
}

/** What a stream would ask cannot be known without real parameters. */
const UNKNOWN = Symbol('unknown');

function ask(
  stream: Stream,
  { page = samplePages(stream)[0], from = 0, to = from + DAY, parent = 'probe', mark }: Sample,
): Request | typeof UNKNOWN {
  const window = {
    ...{ from: instant(from), to: instant(to) },
    ...{ token: mark, number: mark === undefined ? undefined : Number(mark) },
  };
  try {
    return stream.request({
      params: PARAMETERS,
      grant: PARAMETERS,
      page,
      window,
      parent,
      parents: [parent],
      setup: PARAMETERS,
    });
  } catch {
    return UNKNOWN;
  }
}

/** A stand-in for an unknown parameter or parent: every property of it is itself, and its text is `text`. */
function standIn(text: string): object {
  const itself: object = new Proxy(() => itself, {
    get: (_, name) => {
      if (name === Symbol.toPrimitive || name === 'toJSON') return () => text;
      return name === Symbol.iterator ? [][Symbol.iterator] : itself;
    },
    apply: () => itself,
  });
  return itself;
}

const PARAMETERS = standIn('probe');
