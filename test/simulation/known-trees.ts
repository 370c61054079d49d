import type { Schedule } from './schedule.ts';
import type { Shape } from './shapes.ts';

/**
 * Trees and schedules that once broke something, or that show a rule to be needed which chance hardly ever does. Mishaps are counted by calls: when the code
 * makes others, `npm run simulate -- --rules` tells which of these no longer hit what they were made for.
 */

const shape: Shape = {
  ...{
    paging: 'pages',
    size: 2,
    families: [0],
    levels: 0,
    listed: 'pages',
    together: 1,
    gone: [],
    hours: 0,
    reach: undefined,
  },
  ...{ expires: 0, asks: 'nothing', broken: [] },
};
const schedule: Schedule = { workers: 1, batch: 1, pace: 0, housekeeping: false, attempts: 1_000, mishaps: [] };

const cases: Record<string, [Partial<Shape>, Partial<Schedule>]> = {
  'a failure that is sent back before its page is written down as failed': [
    { levels: 1, broken: [0] },
    { workers: 2, pace: 384 },
  ],
  'a count that is refused, of a page that came': [{ asks: 'count', broken: [1] }, {}],
  'the last record lies just behind what the API lets be read': [
    { paging: 'endless offsets', size: 3, families: [5], hours: 2, reach: 1 },
    {},
  ],
  'the page that is to show the end fails in phase after phase': [
    { paging: 'endless offsets', size: 3, families: [6], hours: 1, asks: 'setup', broken: [7] },
    {},
  ],
  'two read one page, and one of them opens the next while the other finds the end': [
    { paging: 'offsets', size: 3, families: [4, 2, 6, 0], hours: 3, asks: 'count', broken: [7] },
    {
      workers: 2,
      pace: 106,
      mishaps: [
        { at: 15, what: 'comes again', by: 3 },
        { at: 114, what: 'dies before', by: 3 },
      ],
    },
  ],
  'a worker that has no time left to ask for the setup': [
    { levels: 1, asks: 'setup' },
    { mishaps: [{ at: 39, what: 'starts late', by: 3_000_000 }] },
  ],
  'a page that shows a listing to be too long is read by somebody who stood still until that had ended': [
    { families: [7, 2], hours: 1, reach: 1, asks: 'count', broken: [11] },
    {
      workers: 3,
      pace: 296,
      mishaps: [
        { at: 200, what: 'starts late', by: 3_000_000 },
        { at: 46, what: 'ends late', by: 50 },
      ],
    },
  ],
  'who cut a listing dies before what is listed in its place is sent': [
    { families: [5], hours: 1, reach: 1 },
    { mishaps: [{ at: 55, what: 'dies after', by: 3 }] },
  ],
  'a page of an earlier phase comes again while a later one has no children yet': [
    { families: [3], hours: 1, broken: [1] },
    {
      mishaps: [
        { at: 82, what: 'dies after', by: 3 },
        { at: 4, what: 'comes again', by: 1_000_000 },
      ],
    },
  ],
  'the cursor that lists the parents fails, and expires when it is gone on with': [
    { families: [0, 1, 0], levels: 1, listed: 'cursor', expires: 1, broken: [1] },
    {},
  ],
  'who heals a group meets a child that another opens, who dies before it is sent': [
    { families: [0, 0, 0, 0], levels: 1, hours: 1 },
    {
      workers: 2,
      mishaps: [
        { at: 16, what: 'dies before', by: 3 },
        { at: 29, what: 'dies before', by: 3 },
        { at: 71, what: 'ends late', by: 400_000 },
        { at: 81, what: 'dies before', by: 3 },
      ],
    },
  ],
  'two walk one chain, and who stood still is behind': [
    { paging: 'links', families: [5, 2], asks: 'setup' },
    {
      workers: 2,
      mishaps: [
        { at: 19, what: 'dies before', by: 3 },
        { at: 30, what: 'dies before', by: 3 },
        { at: 34, what: 'ends late', by: 400_000 },
        { at: 44, what: 'ends late', by: 75_000 },
      ],
    },
  ],
  'of two messages that are done together one came to somebody else as well': [
    { paging: 'offsets', families: [7, 7, 7, 7, 7] },
    {
      workers: 2,
      batch: 10,
      mishaps: [
        { at: 7, what: 'comes again', by: 3 },
        { at: 69, what: 'ends late', by: 12_000 },
      ],
    },
  ],
  'of two chains that came to their last attempt together one is read, and the other is sent on, though it has moved': [
    { paging: 'cursor', families: [5, 5], levels: 1, asks: 'count' },
    { batch: 10, pace: 619, attempts: 1, mishaps: [{ at: 61, what: 'dies before', by: 3 }] },
  ],
  'the write by which a listing opens its second block is sent twice': [
    { paging: 'endless offsets' },
    { mishaps: [{ at: 24, what: 'is sent twice', by: 3 }] },
  ],
};

export const KNOWN: readonly (readonly [name: string, shape: Shape, schedule: Schedule])[] = Object.entries(cases).map(
  ([name, [of, under]]) => [name, { ...shape, ...of }, { ...schedule, ...under }],
);
