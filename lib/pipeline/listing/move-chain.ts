import { writeTrail } from '../../core/listing/chain-end.ts';
import { logEvent } from '../log-event.ts';
import { storePart } from '../records/store-part.ts';
import { requestsOf } from '../requests/fetched-page.ts';
import { updateNode } from '../store/node.ts';
import { expiryOf, partKey } from '../store/sync-keys.ts';
import { type Chain, type Part, partState } from '../store/sync-state.ts';
import type { BufferedPages, ChainWalk } from './reading.ts';

/** A part that begins at this step was put by somebody who then died: its pages are read, only the node does not know. */
export async function adoptCommitted(walk: ChainWalk, chain: Chain): Promise<Chain | undefined> {
  const item = await walk.syncs.get(stepKey(walk, chain.step));
  return item === undefined ? chain : move(walk, chain, { part: partState.parse(item), requests: 0 });
}

const stepId = (walk: ChainWalk, step: number): string => `${walk.path}@${step}`;
const stepKey = (walk: ChainWalk, step: number) => partKey(walk.connector.name, walk.ref, stepId(walk, step)); // R20

/** Stores what was read as a part, then moves the chain past it. The first part that is put for a step is the one that counts. */
export async function commitChain(walk: ChainWalk, chain: Chain, ahead: BufferedPages): Promise<Chain | undefined> {
  const stored = await storePart(walk, walk.listed, ahead.contents);
  const part = await walk.syncs.create(stepKey(walk, chain.step), {
    ...stored.item,
    ...expiryOf(walk.clock.now()),
    ...(ahead.cursor === undefined ? {} : { next: ahead.cursor }),
    ...(ahead.remembered === undefined ? {} : { remembered: ahead.remembered }),
    ...(ahead.seen === undefined ? {} : { seen: ahead.seen }),
    ...(ahead.ties === undefined ? {} : { ties: ahead.ties }),
    last: ahead.ended,
    trail: writeTrail(ahead.trail),
    ...(ahead.stray ? { stray: true } : {}),
  });
  if (part.item === undefined) return undefined;
  const moved = await move(walk, chain, { part: partState.parse(part.item), requests: requestsOf(ahead.contents) });
  if (part.ok && moved !== undefined) {
    const records = ahead.contents.reduce((sum, { fetched }) => sum + fetched, 0);
    logEvent(walk, { message: 'pages fetched', ...walk.ref, pages: ahead.contents.length, records, look: false });
  }
  return moved;
}

/** Moves the chain past a part; `undefined`: somebody else did, and goes on from there. */
async function move(
  walk: ChainWalk,
  chain: Chain,
  { part, requests }: { readonly part: Part; readonly requests: number },
): Promise<Chain | undefined> {
  const where = {
    ...(part.next === undefined ? {} : { cursor: part.next }),
    ...(part.remembered === undefined ? {} : { remembered: part.remembered }),
    ...(part.seen === undefined ? {} : { seen: part.seen }),
    ...(part.ties === undefined ? {} : { ties: part.ties }),
    ...(part.trail === undefined ? {} : { trail: part.trail }),
  };
  const step = chain.step + part.pages.length;
  const began = chain.step === 0 ? { began: walk.clock.now() } : {};
  const stray = part.stray ? { stray: true } : {};
  const written = await updateNode(
    walk,
    {
      set: { step, came: walk.clock.now(), ...where, ...began, ...stray, ...(part.last ? { ended: 'end' } : {}) },
      add: { requests, records: part.fetched },
    },
    [{ equal: ['step', chain.step] }, { absent: 'ended' }], // R21
  );
  if (written.item?.kind !== 'chain') return undefined;
  return written.ok ? written.item : undefined;
}
