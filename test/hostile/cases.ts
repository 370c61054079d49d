import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import type { Switches } from './api.ts';
import type { Kind, Shape } from './connector.ts';
import type { Row } from './rows.ts';

/** What a receipt must say of an API that does this. `delivered`: distinct records. */
export type Case = {
  readonly api: Switches;
  readonly kind: Kind;
  readonly shape?: Shape;
  readonly records?: number;
  readonly verdict: Receipt['verdict'];
  readonly evidence?: Receipt['evidence'];
  readonly codes?: readonly string[];
  readonly delivered: number;
  /** Edges that disagreed, and how many of them were mended; where it matters. */
  readonly movement?: readonly [moved: number, repaired: number];
};

const SLICED = { slices: '1 hour' } as const;
const TOTAL = { total: true } as const;

export const cases: Record<string, Case> = {
  'pages: an empty page in the middle': {
    ...{ kind: 'pages', shape: TOTAL, api: { empty: 3 } },
    ...{ verdict: 'INCOMPLETE', codes: ['empty-page', 'count'], delivered: 90 },
  },
  'pages: an empty page in the middle that heals': {
    ...{ kind: 'pages', shape: TOTAL, api: { empty: 3, times: 2 } },
    ...{ verdict: 'COMPLETE', evidence: 'count', delivered: 100 },
  },
  'pages without a total: an empty page in the middle': {
    ...{ kind: 'pages', api: { empty: 3 } },
    ...{ verdict: 'INCOMPLETE', codes: ['empty-page'], delivered: 90 },
  },
  'offsets: an empty page in the middle': {
    ...{ kind: 'offsets', shape: TOTAL, api: { empty: 3 } },
    ...{ verdict: 'INCOMPLETE', codes: ['empty-page', 'moved', 'count'], delivered: 91 },
  },
  'offsets without a total: an empty page in the middle': {
    ...{ kind: 'offsets', api: { empty: 4 } },
    ...{ verdict: 'INCOMPLETE', codes: ['empty-page', 'moved'], delivered: 91 },
  },
  'cursor: an empty page in the middle has nowhere to go on from': {
    ...{ kind: 'keyset', api: { empty: 3 } },
    ...{ verdict: 'INCOMPLETE', codes: ['stuck', 'cut-short'], delivered: 30 },
  },
  'pages: a short page in the middle': {
    ...{ kind: 'pages', shape: TOTAL, api: { short: 3 } },
    ...{ verdict: 'INCOMPLETE', codes: ['count'], delivered: 95 },
  },
  'pages in a stable order, without a total: a short page in the middle proves nothing': {
    ...{ kind: 'pages', shape: { order: 'by key' }, api: { short: 3 } },
    ...{ verdict: 'UNKNOWN', codes: ['short-page'], delivered: 95 },
  },
  'pages in a stable order, without a total': {
    ...{ kind: 'pages', shape: { order: 'by key' }, api: { total: () => undefined } },
    ...{ verdict: 'COMPLETE', evidence: 'end', delivered: 100 },
  },
  'offsets without a total: a short page in the middle': {
    ...{ kind: 'offsets', api: { short: 3 } },
    ...{ verdict: 'INCOMPLETE', codes: ['moved'], delivered: 95 },
  },
  'offsets without a total: the last page is short by a lie, and is read on from its last record': {
    ...{ kind: 'offsets', records: 98, api: { short: 9 } },
    ...{ verdict: 'COMPLETE', evidence: 'overlap', delivered: 98 },
  },
  'cursor: a short page in the middle is no end': {
    ...{ kind: 'cursor', api: { short: 3 } },
    ...{ verdict: 'COMPLETE', evidence: 'key', delivered: 95 },
  },
};

for (const by of ['400', 'empty', 'repeat'] as const) {
  Object.assign(cases, {
    [`pages: no further than 40 records (${by}), and nothing to cut`]: {
      ...{ kind: 'pages', shape: TOTAL, api: { limit: { records: 40, by } } },
      ...{ verdict: 'INCOMPLETE', delivered: 40 },
    },
    [`pages: no further than 40 records (${by}), cut into slices`]: {
      ...{ kind: 'pages', shape: { ...TOTAL, slices: '2 hours' }, records: 200, api: { limit: { records: 40, by } } },
      ...{ verdict: 'COMPLETE', evidence: 'count', delivered: 200 },
    },
  } satisfies Record<string, Case>);
}
cases['pages without a total: no further than 40 records (repeat), and nothing to cut'] = {
  ...{ kind: 'pages', shape: { order: 'by key' }, api: { limit: { records: 40, by: 'repeat' } } },
  ...{ verdict: 'INCOMPLETE', delivered: 40 },
};
for (const kind of ['pages', 'offsets'] as const) {
  cases[`${kind} without a total: there is no page (400) behind the last one`] = {
    ...{ kind, shape: { order: 'by key' }, records: 95, api: { limit: { records: 100, by: '400' } } },
    ...{ verdict: 'COMPLETE', evidence: kind === 'pages' ? 'end' : 'overlap', delivered: 95 },
  };
}
for (const kind of ['cursor', 'links', 'keyset'] as const) {
  Object.assign(cases, {
    [`${kind}: no further than 40 records (400), and nothing to cut`]: {
      ...{ kind, api: { limit: { records: 40, by: '400' } } },
      ...{ verdict: 'INCOMPLETE', codes: ['http-400', 'cut-short'], delivered: 40 },
    },
    [`${kind}: no further than 40 records (400), cut into slices`]: {
      ...{ kind, shape: { slices: '2 hours' }, records: 200, api: { limit: { records: 40, by: '400' } } },
      ...{ verdict: 'COMPLETE', evidence: kind === 'links' ? 'end' : 'key', delivered: 200 },
    },
    [`${kind}: it ends at 40 records, before the total it states, cut into slices`]: {
      ...{ kind, shape: { ...TOTAL, slices: '2 hours' }, records: 200, api: { limit: { records: 40, by: 'end' } } },
      ...{ verdict: 'COMPLETE', evidence: kind === 'links' ? 'count' : 'key', delivered: 200 },
    },
    [`${kind}: it ends at 40 records, before the total it states, and nothing to cut`]: {
      ...{ kind, shape: TOTAL, api: { limit: { records: 40, by: 'end' } } },
      ...{ verdict: 'INCOMPLETE', codes: ['count'], delivered: 40 },
    },
  } satisfies Record<string, Case>);
}
for (const kind of ['cursor', 'links'] as const) {
  cases[`${kind}: it leads back to where it has been`] = {
    ...{ kind, api: { loop: 4 } },
    ...{ verdict: 'INCOMPLETE', codes: ['loop', 'cut-short'], delivered: 50 },
  };
}
Object.assign(cases, {
  'cursor: a declared limit without a total, cut into slices': {
    ...{
      kind: 'cursor',
      shape: { max: 40, slices: '2 hours' },
      records: 200,
      api: { limit: { records: 40, by: 'end' } },
    },
    ...{ verdict: 'COMPLETE', evidence: 'key', delivered: 200 },
  },
  'cursor: a declared limit that even the least slice passes, and nothing to do about it': {
    ...{
      kind: 'cursor',
      shape: { max: 40, slices: '2 hours' },
      records: 200,
      api: { limit: { records: 40, by: 'end' }, change: crowd },
    },
    ...{ verdict: 'UNKNOWN', codes: ['limit'], delivered: 239 },
  },
  'cursor: a slice of the least width that is still too long is walked by key': {
    ...{
      kind: 'links',
      shape: { max: 40, slices: '2 hours', byKey: true },
      records: 200,
      api: { limit: { records: 40, by: 'end', notByKey: true }, change: crowd },
    },
    ...{ verdict: 'COMPLETE', evidence: 'end', delivered: 300 },
  },
  'pages: an API that ignores the window is not cut for ever': {
    ...{
      kind: 'cursor',
      shape: { slices: '2 hours' },
      records: 3_000,
      api: { deaf: true, limit: { records: 40, by: '400' } },
    },
    ...{ verdict: 'INCOMPLETE', delivered: 40 },
  },
  'pages: a total that lies high': {
    ...{ kind: 'pages', shape: TOTAL, api: { total: (n) => n + 7 } },
    ...{ verdict: 'INCOMPLETE', codes: ['empty-page', 'count'], delivered: 100 },
  },
  'pages: a total that lies low': {
    ...{ kind: 'pages', shape: TOTAL, api: { total: (n) => n - 20 } },
    ...{ verdict: 'INCOMPLETE', codes: ['count'], delivered: 90 },
  },
  'pages: a total that changes': {
    ...{ kind: 'pages', shape: TOTAL, records: 95, api: { total: (n, asked) => (asked > 5 ? n + 1 : n) } },
    ...{ verdict: 'COMPLETE', evidence: 'count', delivered: 95 },
  },
  'pages: a total that is not there': {
    ...{ kind: 'pages', shape: TOTAL, records: 95, api: { total: () => undefined } },
    ...{ verdict: 'UNKNOWN', codes: ['end-inferred'], delivered: 95 },
  },
  'cursor: a total that lies high': {
    ...{ kind: 'cursor', shape: TOTAL, api: { total: (n) => n + 7 } },
    ...{ verdict: 'INCOMPLETE', codes: ['count'], delivered: 100 },
  },
  'cursor: a total that lies high, in slices': {
    ...{ kind: 'cursor', shape: { ...TOTAL, ...SLICED }, records: 95, api: { total: (n) => n + 7 } },
    ...{ verdict: 'INCOMPLETE', codes: ['count'], delivered: 95 },
  },
  'a count of its own': {
    ...{ kind: 'links', shape: { count: 'exact' }, api: {} },
    ...{ verdict: 'COMPLETE', evidence: 'count', delivered: 100 },
  },
  'a count of its own that lies': {
    ...{ kind: 'links', shape: { count: 'exact' }, api: { total: (n) => n + 1 } },
    ...{ verdict: 'INCOMPLETE', codes: ['count'], delivered: 100 },
  },
  'a count that is only an estimate proves nothing': {
    ...{ kind: 'links', shape: { count: 'about' }, api: { total: (n) => n + 3 } },
    ...{ verdict: 'COMPLETE', evidence: 'end', delivered: 100 },
  },
  'cursor: it expires once': {
    ...{ kind: 'cursor', api: { expires: { at: 5, times: 1 } } },
    ...{ verdict: 'COMPLETE', evidence: 'key', delivered: 100 },
  },
  'cursor: it expires three times': {
    ...{ kind: 'cursor', api: { expires: { at: 5, times: 3 } } },
    ...{ verdict: 'COMPLETE', evidence: 'key', delivered: 100 },
  },
  'cursor: it expires always': {
    ...{ kind: 'cursor', api: { expires: { at: 5, times: 1e9 } } },
    ...{ verdict: 'INCOMPLETE', codes: ['rule', 'cut-short'], delivered: 50 },
  },
} satisfies Record<string, Case>);
for (const [kind, total, evidence] of [
  ['pages', true, 'count'],
  ['pages', false, null],
  ['offsets', true, 'overlap'],
  ['offsets', false, 'overlap'],
  ['cursor', false, 'key'],
  ['links', false, 'end'],
] as const) {
  for (const records of [0, 1, 60, 99, 100, 101, 1_100, 1_101]) {
    cases[`${kind}${total ? ' with a total' : ''}: asked for 500 records, it gives 100; ${records} records`] = {
      ...{ kind, shape: { size: 500, total }, records, api: { cap: 100 } },
      ...(evidence === null
        ? { verdict: 'UNKNOWN', codes: ['end-inferred'], delivered: records }
        : { verdict: 'COMPLETE', evidence, delivered: records }),
    };
  }
}

Object.assign(cases, {
  'pages: it repeats its last page for whoever asks beyond it': {
    ...{ kind: 'pages', shape: TOTAL, api: { limit: { records: 100, by: 'repeat' } } },
    ...{ verdict: 'COMPLETE', evidence: 'count', delivered: 100 },
  },
  'links: an empty page in the middle': {
    ...{ kind: 'links', api: { empty: 3 } },
    ...{ verdict: 'INCOMPLETE', codes: ['empty-page'], delivered: 90 },
  },
  'pages: a declared limit, at which the total stops counting, and nothing to cut': {
    ...{ kind: 'pages', shape: { ...TOTAL, max: 40 }, api: { limit: { records: 40, by: 'clamp' } } },
    ...{ verdict: 'UNKNOWN', codes: ['limit'], delivered: 40 },
  },
  'pages: a declared limit, at which the total stops counting, cut into slices': {
    ...{ kind: 'pages', shape: { ...TOTAL, max: 40, slices: '2 hours' }, records: 200 },
    ...{ api: { limit: { records: 40, by: 'clamp' } }, verdict: 'COMPLETE', evidence: 'count', delivered: 200 },
  },
  'parents, and their children by page': {
    ...{ kind: 'pages', shape: { ...TOTAL, each: 1 }, api: { parents: { count: 12 } } },
    ...{ verdict: 'COMPLETE', evidence: 'count', delivered: 100 },
  },
  'parents together, and their children by cursor': {
    ...{ kind: 'cursor', shape: { each: 5 }, api: { parents: { count: 12 } } },
    ...{ verdict: 'COMPLETE', evidence: 'count', delivered: 100 },
  },
  'parents that vanish, by the rule that says so': {
    ...{ kind: 'cursor', shape: { each: 1 }, api: { parents: { count: 10, vanished: [2, 7] } } },
    ...{ verdict: 'COMPLETE', evidence: 'count', delivered: 80 },
  },
  'parents that vanish, and no rule that says so': {
    ...{ kind: 'cursor', shape: { each: 1 }, api: { parents: { count: 10, vanished: [2, 7], by: 403 } } },
    ...{ verdict: 'INCOMPLETE', codes: ['http-403', 'cut-short'], delivered: 80 },
  },
  'offsets: a record is deleted behind the reader': {
    ...{ kind: 'offsets', api: { change: once((rows) => rows.slice(1)) } },
    ...{ verdict: 'COMPLETE', evidence: 'overlap', delivered: 100, movement: [1, 1] },
  },
  'offsets: a record is inserted behind the reader': {
    ...{ kind: 'offsets', shape: TOTAL, api: { change: once((rows) => [{ id: 1, at: 0 }, ...rows]) } },
    ...{ verdict: 'COMPLETE', evidence: 'overlap', delivered: 101, movement: [1, 1] },
  },
  'offsets: a record moves to the end': {
    ...{ kind: 'offsets', shape: TOTAL, api: { change: once(firstToTheEnd) } },
    ...{ verdict: 'COMPLETE', evidence: 'overlap', delivered: 100, movement: [1, 1] },
  },
  'offsets without a total: the last records are deleted while the end is looked for': {
    // The first page asks for a page, and two, four, and eight; then one that begins with the last record.
    ...{ kind: 'offsets', records: 65, api: { change: (rows, asked) => (asked === 16 ? rows.slice(0, -3) : rows) } },
    ...{ verdict: 'COMPLETE', evidence: 'overlap', delivered: 65, movement: [3, 3] },
  },
  'offsets: a record is deleted behind the reader, and another one comes: more than the total says': {
    ...{ kind: 'offsets', shape: TOTAL, api: { change: once((rows) => [...rows.slice(1), { id: 1, at: 0 }]) } },
    ...{ verdict: 'COMPLETE', evidence: 'overlap', delivered: 101, movement: [1, 1] },
  },
  'pages: a record is deleted behind the reader': {
    ...{ kind: 'pages', shape: TOTAL, api: { change: once((rows) => rows.slice(1)) } },
    ...{ verdict: 'UNKNOWN', codes: ['moved'], delivered: 100 },
  },
  'pages: a record is inserted behind the reader': {
    ...{ kind: 'pages', shape: TOTAL, api: { change: once((rows) => [{ id: 1, at: 0 }, ...rows]) } },
    ...{ verdict: 'UNKNOWN', codes: ['moved'], delivered: 101 },
  },
  'pages: a record moves to the end': {
    ...{ kind: 'pages', shape: TOTAL, api: { change: once(firstToTheEnd) } },
    ...{ verdict: 'UNKNOWN', codes: ['moved'], delivered: 100 },
  },
  'cursor: a record is deleted behind the reader': {
    ...{ kind: 'cursor', api: { change: once((rows) => rows.slice(1)) } },
    ...{ verdict: 'COMPLETE', evidence: 'key', delivered: 100 },
  },
  'cursor: a record is inserted behind the reader': {
    ...{ kind: 'cursor', api: { change: once((rows) => [{ id: 1, at: 0 }, ...rows]) } },
    ...{ verdict: 'COMPLETE', evidence: 'key', delivered: 100 },
  },
} satisfies Record<string, Case>);
for (const [kind, shape, evidence] of [
  ['pages', TOTAL, 'count'],
  ['pages', { order: 'by key' }, 'end'],
  ['offsets', TOTAL, 'overlap'],
  ['offsets', {}, 'overlap'],
  ['cursor', {}, 'key'],
  ['keyset', {}, 'key'],
  ['links', {}, 'end'],
] as const) {
  const told = 'total' in shape ? ' with a total' : '';
  for (const [what, records] of [
    ['no record at all', 0],
    ['one record', 1],
    ['the last page is exactly full', kind === 'offsets' ? 91 : 100],
  ] as const)
    cases[`${kind}${told}: ${what}`] = {
      kind,
      shape,
      records,
      api: {},
      verdict: 'COMPLETE',
      evidence,
      delivered: records,
    };
}

/** A change that happens when the first page has been read, and nothing else. */
function once(change: (rows: readonly Row[]) => readonly Row[]) {
  return (rows: readonly Row[], asked: number): readonly Row[] => (asked === 2 ? change(rows) : rows);
}

function firstToTheEnd([first, ...rows]: readonly Row[]): readonly Row[] {
  return first === undefined ? rows : [...rows, first];
}

/** A hundred rows more within one second of the 100th. */
function crowd(rows: readonly Row[], asked: number): readonly Row[] {
  const middle = rows[100];
  if (asked > 1 || middle === undefined) return rows;
  return rows.toSpliced(100, 0, ...Array.from({ length: 100 }, (_, i) => ({ id: middle.id - 500 + i, at: middle.at })));
}
