import type { HttpAnswer } from '../../core/response/judge.ts';
import { type Invocation, mayBeginPages } from '../invocation.ts';
import type { WireRequest } from '../ports.ts';
import { enterLane } from './lane.ts';
import type { LimiterKey } from './limiter-store.ts';
import { answerTime, noteAnswerTime } from './observed.ts';
import { type SlotLater, takeSlot } from './slots.ts';

/** An answer, when its request left, in epoch milliseconds, and how long it took. */
export type SentRequest = { readonly answer: HttpAnswer; readonly leftAt: number; readonly took: number };

export type PacedRequest = {
  /** The meters that the request reserves on. */
  readonly meters: readonly LimiterKey[];
  /** How far ahead its slot may be, in milliseconds, beyond the time that an answer takes: so long it waits here. */
  readonly patience: number;
  /** Milliseconds, and bytes of body. */
  readonly limits: { readonly deadline: () => number; readonly bound: number };
  /** The request, made when it leaves: a signature has a date. `undefined`: it is not to leave after all. */
  readonly request: (leftAt: number) => WireRequest | undefined;
};

/** Sends one request when its slot has come, or says when to come back. Nothing leaves in any other way. */
export async function sendRequest(invocation: Invocation, sending: PacedRequest): Promise<SentRequest | SlotLater> {
  const lane = sending.meters.find((each) => each.lane !== undefined)?.lane;
  if (lane === undefined) return depart(invocation, sending);
  const { meters, patience, limits } = sending;
  const waits = patience + answerTime(invocation, meters);
  const hold = await enterLane(invocation, { key: lane, patience: waits, longest: waits + limits.deadline() });
  if ('later' in hold) return hold;
  try {
    return await depart(invocation, sending);
  } finally {
    await hold.leave();
  }
}

async function depart(invocation: Invocation, sending: PacedRequest): Promise<SentRequest | SlotLater> {
  const { meters, patience, limits, request } = sending;
  const slot = await takeSlot(invocation, meters, patience);
  if ('later' in slot) return slot;
  try {
    // After a long wait there may be no time left to wait for an answer.
    if (!mayBeginPages(invocation)) return { later: 0 };
    const wire = request(slot.leftAt);
    if (wire === undefined) return { later: 0 };
    const answer = await invocation.http.send(wire, { deadline: limits.deadline(), bound: limits.bound });
    const took = invocation.clock.now() - slot.leftAt;
    noteAnswerTime(invocation, meters, took);
    return { answer, leftAt: slot.leftAt, took };
  } finally {
    slot.free();
  }
}
