import * as z from 'zod';
import { type Connector, defineConnector, none } from '../../lib/core/connector/connector.ts';
import { type Case, cases } from './cases.ts';
import { errors, hostileStreams, type Kind, type Shape } from './connector.ts';
import { type Movement, movementOf } from './movement.ts';

/** The cases that run on the embedded stack, too: each thing that an API can do, at least once. */
const chosen = [
  'pages: an empty page in the middle',
  'pages: an empty page in the middle that heals',
  'pages without a total: an empty page in the middle',
  'offsets: an empty page in the middle',
  'cursor: an empty page in the middle has nowhere to go on from',
  'links: an empty page in the middle',
  'pages: a short page in the middle',
  'offsets without a total: a short page in the middle',
  'cursor: a short page in the middle is no end',
  'pages: no further than 40 records (400), and nothing to cut',
  'pages: no further than 40 records (400), cut into slices',
  'pages: no further than 40 records (empty), cut into slices',
  'pages: no further than 40 records (repeat), and nothing to cut',
  'pages: no further than 40 records (repeat), cut into slices',
  'pages: it repeats its last page for whoever asks beyond it',
  'pages: a declared limit, at which the total stops counting, and nothing to cut',
  'pages: a declared limit, at which the total stops counting, cut into slices',
  'cursor: no further than 40 records (400), and nothing to cut',
  'cursor: it ends at 40 records, before the total it states, cut into slices',
  'cursor: a slice of the least width that is still too long is walked by key',
  'pages: a total that lies high',
  'pages: a total that lies low',
  'pages: a total that changes',
  'pages: a total that is not there',
  'cursor: a total that lies high',
  'a count of its own',
  'a count of its own that lies',
  'cursor: it leads back to where it has been',
  'links: it leads back to where it has been',
  'cursor: it expires once',
  'cursor: it expires always',
  'pages: a record is deleted behind the reader',
  'pages: a record is inserted behind the reader',
  'pages: a record moves to the end',
  'offsets: a record is deleted behind the reader',
  'offsets: a record is inserted behind the reader',
  'offsets: a record moves to the end',
  'cursor: a record is deleted behind the reader',
  'cursor: a record is inserted behind the reader',
  'pages with a total: the last page is exactly full',
  'offsets: the last page is exactly full',
  'cursor: the last page is exactly full',
  'links: the last page is exactly full',
  'pages with a total: no record at all',
  'offsets: no record at all',
  'cursor: no record at all',
  'pages with a total: one record',
  'offsets: one record',
  'cursor: one record',
  'pages with a total: asked for 500 records, it gives 100; 1101 records',
  'offsets: asked for 500 records, it gives 100; 1100 records',
  'cursor: asked for 500 records, it gives 100; 101 records',
  'parents, and their children by page',
  'parents together, and their children by cursor',
  'parents that vanish, by the rule that says so',
  'parents that vanish, and no rule that says so',
];

/** They by the names of their streams. */
export const casesEndToEnd: ReadonlyMap<string, Case & { readonly what: string }> = new Map(
  chosen.map((what, i) => {
    const found = cases[what];
    if (found === undefined) throw new Error(`There is no case "${what}".`);
    return [`case${i}`, { ...found, what }];
  }),
);

/** Schedules by which records come, go and move while they are read, by the names of their streams. */
export const movementsEndToEnd: ReadonlyMap<string, Movement & { readonly seed: number }> = new Map(
  Array.from({ length: 24 }, (_, seed) => [`movement${seed}`, { ...movementOf(seed), seed }]),
);

/** One connector with a stream for each of them, each under a path of its name. `now`: when the rows end. */
export function hostileInAllWays(url: string, now: number): Connector {
  const all: [name: string, { readonly kind: Kind; readonly shape?: Shape }][] = [
    ...casesEndToEnd,
    ...movementsEndToEnd,
  ];
  return defineConnector({
    name: 'hostile',
    docs: 'none',
    baseUrl: url,
    params: z.object({}),
    auth: none(),
    limits: [],
    errors,
    streams: () =>
      Object.assign(
        {},
        ...all.map(([name, { kind, shape = {} }]) => hostileStreams(name, kind, shape, { under: `/${name}`, now })),
      ),
  });
}
