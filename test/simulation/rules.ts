import type { Mutation } from './take-out.ts';

/** A test that chance leaves to do: its file, from the root of the repository, and its name. */
export type TestOfRule = { readonly file: string; readonly name: string };
/**
 * A rule of docs/protocol.md, by its number and its sentence there, and how it is taken out at its mark in lib. The simulation must notice, or
 * the rule is not needed. `of`: which simulation notices; by default that of the whole pipeline. `test`: what notices instead, where chance
 * hardly ever would.
 */
export type Rule = {
  readonly id: string;
  readonly name: string;
  readonly of?: 'tokens' | 'tree';
  readonly test?: TestOfRule;
  /** One for each of its marks, in their order. */
  readonly mutations: readonly [Mutation, ...Mutation[]];
};

export const RULES: readonly Rule[] = [
  {
    id: 'R1',
    name: 'Pages leave the open set in one write, on the condition that all of them are open',
    mutations: [{ is: '[]' }],
  },
  {
    id: 'R2',
    name: 'Pages that are still open after a lost commit are stored again in a new part',
    of: 'tree',
    mutations: [{ is: '{ block: written.item, committed: [] }' }],
  },
  {
    id: 'R3',
    name: 'Every attempt stores its part under a new key',
    of: 'tree',
    mutations: [{ is: 'node + "-" + sorted[0]?.index' }],
  },
  {
    id: 'R4',
    name: 'A part of pages counts only if its block holds its id',
    mutations: [{ is: "up?.kind === 'listing'" }],
  },
  {
    id: 'R5',
    name: 'A child exists before its parent names it',
    mutations: [{ later: 2 }],
  },
  {
    id: 'R6',
    name: 'A parent keeps the set of children whose tasks may be unsent',
    mutations: [{ is: 'names.size > 0 ? { add: { open: names } } : {}' }],
  },
  {
    id: 'R7',
    name: 'A resend includes children that other workers open meanwhile',
    of: 'tree',
    mutations: [{ when: 'it && current === node' }],
  },
  {
    id: 'R8',
    name: 'A repeated write recognises its own effect',
    test: { file: 'test/contract/table.test.ts', name: 'has created the item' },
    mutations: [{ is: '{ ok: false, item: attributes(found) }' }],
  },
  {
    id: 'R9',
    name: 'A task whose pages are all done still advances its parent',
    mutations: [{ is: 'tasks.size > 0 && it' }],
  },
  {
    id: 'R10',
    name: 'Children are opened on the condition that the node has not moved since it was read',
    of: 'tree',
    mutations: [{ remove: true }],
  },
  {
    id: 'R11',
    name: 'Blocks are opened on the condition that the listing has not ended meanwhile',
    of: 'tree',
    mutations: [{ remove: true }],
  },
  {
    id: 'R12',
    name: 'A group is done only after all its slices were opened',
    of: 'tree',
    mutations: [{ is: 'true' }],
  },
  {
    id: 'R13',
    name: 'A page fails only after its failure and its message are stored',
    mutations: [{ later: 1 }],
  },
  {
    id: 'R14',
    name: 'Only committed pages set the extent of a listing',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'a read that came to nothing does not end a listing that has grown since',
    },
    mutations: [{ is: 'noteExtent(run, contents)' }],
  },
  {
    id: 'R15',
    name: 'Numbered pages are read until one is short, whatever the total says',
    test: {
      file: 'test/core/listing/listing.test.ts',
      name: 'by offsets goes on behind its announced pages until a page is short',
    },
    mutations: [{ when: 'it && announced === undefined' }],
  },
  {
    id: 'R16',
    name: 'A listing stops after a hundred pages if most of its pages failed',
    test: {
      file: 'test/pipeline/listing/listings.test.ts',
      name: 'a total that nobody counted does not have pages asked for until the deadline',
    },
    mutations: [{ remove: true }],
  },
  {
    id: 'R17',
    name: 'A failed page keeps the end of its listing from being probed',
    of: 'tree',
    mutations: [{ remove: true }],
  },
  {
    id: 'R18',
    name: 'A refused page after the last record means that the API lets no more be read',
    of: 'tree',
    mutations: [{ when: "each.is === 'refused' && index > end && isNoPage(each.refusal)" }],
  },
  {
    id: 'R19',
    name: 'The shared records of neighbouring pages must agree',
    mutations: [{ is: '{ last, full: records >= full }' }],
  },
  {
    id: 'R20',
    name: 'The part of a chain is put if absent, under the step at which it begins',
    mutations: [{ is: 'partKey(walk.connector.name, walk.ref, stepId(walk, step) + "@" + walk.owner)' }],
  },
  {
    id: 'R21',
    name: 'A chain moves only from the step that was read',
    of: 'tree',
    mutations: [{ is: '[]' }],
  },
  {
    id: 'R22',
    name: 'One worker at a time walks a chain, under a lease',
    mutations: [{ remove: true }],
  },
  {
    id: 'R23',
    name: "A redelivered message continues from the chain's own step",
    of: 'tree',
    mutations: [{ when: 'task.step < seen.step && seen.ended === undefined' }],
  },
  {
    id: 'R24',
    name: 'A redelivered message that meets a lease waits for it',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'a message that comes back before the lease of a dead worker is over waits for it',
    },
    mutations: [{ when: 'true' }],
  },
  {
    id: 'R25',
    name: 'A chain ends after the same page came three times in a row',
    test: {
      file: 'test/pipeline/listing/listings.test.ts',
      name: 'a first page that comes again, where each is committed before the next one is asked for',
    },
    mutations: [{ remove: true }],
  },
  {
    id: 'R26',
    name: 'Attempts start again after the chain has moved',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'a chain that has moved has all attempts at the page where it stands',
    },
    mutations: [{ remove: true }],
  },
  {
    id: 'R27',
    name: 'A chain whose cursor expired starts again from its first page',
    of: 'tree',
    mutations: [{ remove: true }],
  },
  {
    id: 'R28',
    name: 'A chain restarts at most three times',
    mutations: [{ when: 'true' }],
  },
  {
    id: 'R92',
    name: 'The id of a job is written down before the job is asked for',
    test: {
      file: 'test/pipeline/listing/jobs.test.ts',
      name: 'is started once, though its worker dies while it is asked for',
    },
    mutations: [{ when: 'chain.maps || isFull(walk, ahead)' }],
  },
  {
    id: 'R29',
    name: 'Parents are read only from parts that count',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'parents that only a read that came to nothing found have no children',
    },
    mutations: [{ when: 'part.of !== of || part.delivered === 0' }],
  },
  {
    id: 'R30',
    name: 'A parent that is listed twice has its children listed once',
    of: 'tree',
    mutations: [{ when: 'true' }],
  },
  {
    id: 'R31',
    name: 'Children are opened after the last parent is known',
    mutations: [{ remove: true }],
  },
  {
    id: 'R32',
    name: 'A group keeps the part and the line up to which its parents are opened',
    mutations: [{ is: "{ ...it, set: { exhausted, line: after === '' ? line : 0 } }" }],
  },
  {
    id: 'R33',
    name: 'A task of a replaced listing advances what replaced it',
    mutations: [{ remove: true }],
  },
  {
    id: 'R34',
    name: 'A task of a replaced chain advances what replaced it',
    of: 'tree',
    mutations: [{ remove: true }],
  },
  {
    id: 'R35',
    name: 'A listing is replaced only while the block that found the limit is open',
    of: 'tree',
    mutations: [{ is: 'it.slice(0, 1)' }],
  },
  {
    id: 'R36',
    name: 'A slice of the least width that is still too long is walked by key',
    of: 'tree',
    mutations: [{ when: 'true' }],
  },
  {
    id: 'R37',
    name: "The first stored answer to a stream's setup holds for the whole sync",
    mutations: [{ is: '{ value: JSON.parse(read.value) }' }],
  },
  {
    id: 'R38',
    name: 'A task without an outcome in any attempt is set aside unread',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'what kills whoever reads it is set aside, and takes no neighbour with it: pages',
    },
    mutations: [{ remove: true }],
  },
  {
    id: 'R39',
    name: 'A task without an outcome has one final attempt, before the rest of its batch',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'what kills whoever reads it is set aside, and takes no neighbour with it: pages',
    },
    mutations: [{ remove: true }],
  },
  {
    id: 'R40',
    name: 'Of several final attempts in a batch one runs, and the others are requeued',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'what kills whoever reads it is set aside, and takes no neighbour with it: chains',
    },
    mutations: [{ is: 'it.slice(0, 1)' }],
  },
  {
    id: 'R41',
    name: 'At the third attempt each page gets a task of its own',
    test: {
      file: 'test/pipeline/deaths.test.ts',
      name: 'what kills whoever reads it is set aside, and takes no neighbour with it: pages',
    },
    mutations: [{ remove: true }],
  },
  {
    id: 'R42',
    name: 'A requeued final attempt counts as redelivered',
    of: 'tree',
    mutations: [{ is: 'received.receives > 1' }],
  },
  {
    id: 'R43',
    name: 'A tick starts one sync, however often it is delivered',
    mutations: [{ remove: true }],
  },
  {
    id: 'R44',
    name: 'A stream has one running sync at a time',
    mutations: [{ remove: true }],
  },
  {
    id: 'R45',
    name: 'A start that finds the stream taken by the same sync continues it',
    mutations: [{ when: '!claimed.ok' }],
  },
  {
    id: 'R46',
    name: 'Housekeeping finishes a start whose message was lost',
    test: {
      file: 'test/pipeline/sync/ticks.test.ts',
      name: 'a start that dies half-way, and whose message is dead-lettered, is finished by housekeeping',
    },
    mutations: [{ is: 'undefined' }],
  },
  {
    id: 'R47',
    name: 'Housekeeping sends the open work of a silent sync again',
    mutations: [{ remove: true }],
  },
  {
    id: 'R48',
    name: 'Housekeeping fails what is still open after three rounds without progress',
    mutations: [{ remove: true }],
  },
  {
    id: 'R49',
    name: 'Housekeeping sends the work of a parked sync when its wait is over',
    mutations: [{ is: 'undefined' }],
  },
  {
    id: 'R50',
    name: 'Only the close of the current sync frees its stream',
    test: { file: 'test/pipeline/sync/stood-still.test.ts', name: 'before it frees its stream: the next sync has it' },
    mutations: [{ is: '[]' }],
  },
  {
    id: 'R51',
    name: 'A close writes only while the sync is in the phase that it read',
    test: { file: 'test/pipeline/sync/stood-still.test.ts', name: 'before it closes a phase: a later one goes on' },
    mutations: [{ is: "await syncs.update(key, { set: { status: 'closed' }, remove: ['live'] })" }],
  },
  {
    id: 'R52',
    name: 'A redelivered close sends the tasks of a repair again',
    mutations: [{ remove: true }],
  },
  {
    id: 'R53',
    name: 'The event is published before the sync is marked closed',
    mutations: [{ later: 1 }],
  },
  {
    id: 'R54',
    name: 'The watermark only rises',
    test: {
      file: 'test/pipeline/sync/stood-still.test.ts',
      name: 'before it commits its watermark: that of a later sync stands',
    },
    mutations: [{ is: 'await syncs.update(key, { set: { watermark: after } })' }],
  },
  {
    id: 'R88',
    name: 'A number or a token replaces only the one that its sync began from',
    test: { file: 'test/pipeline/sync/marks.test.ts', name: 'an old sync that is completed late sets nothing back' },
    mutations: [{ is: '[]' }],
  },
  {
    id: 'R55',
    name: 'The watermark passes neither the start of its sync nor the clock that the API had then',
    mutations: [{ is: 'Number.POSITIVE_INFINITY' }],
  },
  {
    id: 'R56',
    name: 'Of a page with several readings the last phase counts',
    of: 'tree',
    mutations: [{ is: '[...wanted]' }],
  },
  {
    id: 'R57',
    name: 'The root of a phase exists before its sync names the phase',
    of: 'tree',
    mutations: [{ later: 1 }],
  },
  {
    id: 'R58',
    name: 'A failure that is sent back while its sync is open waits for the close',
    of: 'tree',
    mutations: [{ is: "'done'" }],
  },
  {
    id: 'R59',
    name: 'A redelivered redrive continues a phase that was begun',
    of: 'tree',
    mutations: [{ remove: true }],
  },
  {
    id: 'R60',
    name: 'Of failed probes for the end those of the last phase count',
    of: 'tree',
    mutations: [{ is: 'fails' }],
  },
  {
    id: 'R61',
    name: 'A sync that was begun under another revision is superseded',
    mutations: [{ when: 'true' }],
  },
  {
    id: 'R62',
    name: 'A redelivered task of a superseded sync asks for its close',
    test: {
      file: 'test/pipeline/sync/supersede.test.ts',
      name: 'who finds a sync superseded and dies is followed by his message, which asks for the close',
    },
    mutations: [{ remove: true }],
  },
  {
    id: 'R63',
    name: 'A superseded sync stays superseded after a roll-back',
    test: {
      file: 'test/pipeline/sync/supersede.test.ts',
      name: 'what was superseded is closed by housekeeping even if no message is left and the deployment is rolled back',
    },
    mutations: [{ is: 'whySuperseded(context, sync)' }],
  },
  {
    id: 'R64',
    name: 'Another sync replaces a superseded one at once',
    mutations: [{ remove: true }],
  },
  {
    id: 'R65',
    name: 'The stream is freed before the replacement starts',
    test: {
      file: 'test/pipeline/sync/supersede.test.ts',
      name: 'who closes a superseded sync may stand still: the one that begins in its place finds the stream free',
    },
    mutations: [{ later: 1 }],
  },
  {
    id: 'R93',
    name: 'The replacement is asked for what the superseded sync was asked for',
    test: { file: 'test/pipeline/sync/full.test.ts', name: 'goes on as a full one when a deployment supersedes it' },
    mutations: [{ remove: true }],
  },
  {
    id: 'R89',
    name: 'A sync reads one account from its first page to its last',
    test: {
      file: 'test/pipeline/sync/accounts.test.ts',
      name: 'in the middle of a sync: nothing of the first account is delivered, and all of the second',
    },
    mutations: [{ is: 'account' }],
  },
  {
    id: 'R90',
    name: 'What a stream knows of another account is forgotten before its next sync begins',
    test: {
      file: 'test/pipeline/sync/accounts.test.ts',
      name: 'between two syncs: the second one asks for everything, and says why; the third for what changed',
    },
    mutations: [{ when: 'true' }],
  },
  {
    id: 'R91',
    name: 'A sync commits only to what is known of its own account',
    test: {
      file: 'test/pipeline/sync/accounts.test.ts',
      name: 'before an old sync commits: that one’s watermark is not the new account’s',
    },
    mutations: [{ is: '[]' }],
  },
  {
    id: 'R66',
    name: 'A limiter changes by compare-and-set',
    mutations: [{ is: '[]' }],
  },
  {
    id: 'R67',
    name: 'A request that is late for its slot reserves again',
    test: { file: 'test/pipeline/limits/slots.test.ts', name: 'whose time has passed is reserved again' },
    mutations: [{ when: '!held' }],
  },
  {
    id: 'R68',
    name: 'The spacing of departures has a margin',
    mutations: [{ is: 'Math.floor((length * MICRO) / (usable - burst + unit)) + 1' }],
  },
  {
    id: 'R69',
    name: 'Every limit is charged with the time of the departure',
    mutations: [{ is: 'arrival(limit, meter) + limit.cost * limit.interval' }],
  },
  {
    id: 'R70',
    name: 'Nothing leaves near the ends of a fixed window',
    test: {
      file: 'test/core/limits/limiter.test.ts',
      name: 'lets nothing leave close to its ends, where clocks may not agree which window it is',
    },
    mutations: [{ is: 'Math.max(at, start)' }, { is: 'full || from > start + length ? start + length : from' }],
  },
  {
    id: 'R71',
    name: 'A hold uses up the burst',
    mutations: [{ is: 'times[key] ?? 0' }],
  },
  {
    id: 'R72',
    name: 'A worker obeys a hold that another worker put',
    mutations: [{ when: 'now - slot <= toleranceOf(gate.places)' }],
  },
  {
    id: 'R73',
    name: 'Requests that left before a hold ended do not prolong it',
    mutations: [{ remove: true }],
  },
  {
    id: 'R74',
    name: 'A refusal by a limit costs no attempt',
    test: {
      file: 'test/pipeline/limits/rate.test.ts',
      name: 'is left alone by every worker until the time it advised, and loses no page',
    },
    mutations: [{ is: 'undefined' }],
  },
  {
    id: 'R75',
    name: 'A request to an API that is down costs no attempt',
    mutations: [{ when: '!it' }],
  },
  {
    id: 'R76',
    name: 'A wait longer than a message can be delayed is parked',
    test: {
      file: 'test/pipeline/limits/rate.test.ts',
      name: 'Retry-After: 3600 holds no worker for more than seconds, and no message goes round',
    },
    mutations: [{ remove: true }],
  },
  {
    id: 'R87',
    name: 'Of an API that takes one request at a time, a request holds the lane, under a lease',
    test: {
      file: 'test/pipeline/limits/lane.test.ts',
      name: 'gets one at a time from all workers and streams, and loses nothing by it',
    },
    mutations: [{ is: '[]' }],
  },
  {
    id: 'R77',
    name: 'One worker at a time refreshes a token, under a lease',
    of: 'tokens',
    mutations: [{ remove: true }],
  },
  {
    id: 'R78',
    name: 'The lease outlasts the longest token request',
    of: 'tokens',
    mutations: [{ is: '10 * SECOND' }],
  },
  {
    id: 'R79',
    name: 'Only the token version that was read is refreshed',
    of: 'tokens',
    mutations: [{ remove: true }],
  },
  {
    id: 'R80',
    name: 'A new token replaces only the version it was requested with',
    of: 'tokens',
    mutations: [{ is: '(await changeTokenState(context, change, [])).item' }],
  },
  {
    id: 'R81',
    name: 'After a refresh of unknown outcome the old token is used up first',
    of: 'tokens',
    mutations: [{ when: 'due' }],
  },
  {
    id: 'R82',
    name: 'A refresh begins only if there is time to wait for its answer',
    of: 'tokens',
    mutations: [{ remove: true }],
  },
  {
    id: 'R83',
    name: 'A fetched token is stored as often as the table refuses, while time is left',
    of: 'tokens',
    mutations: [{ when: 'true' }],
  },
  {
    id: 'R84',
    name: 'An expired token is not sent',
    of: 'tokens',
    mutations: [{ remove: true }],
  },
  {
    id: 'R85',
    name: 'A token endpoint that refused is not asked again at once',
    of: 'tokens',
    mutations: [{ remove: true }],
  },
  {
    id: 'R86',
    name: 'A paused connection resumes with another secret or consent',
    of: 'tokens',
    mutations: [{ is: 'false' }],
  },
];
