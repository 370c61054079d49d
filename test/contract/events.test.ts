import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { eventBridge } from '../../lib/aws/events.ts';
import type { Events } from '../../lib/pipeline/ports.ts';
import { type Stub, startStub } from '../aws/stub.ts';
import { memoryEvents } from '../memory/events.ts';
import { type Embedded, startEmbedded } from './embedded.ts';
import { credentials } from './emulator.ts';

/** An event as it arrives: its detail is JSON. */
type Arrived = { readonly type: string; readonly detail: string };

/** What every `Events` does. `arrived`: what came of it. */
function eventsContract(open: () => { events: Events; arrived: () => readonly Arrived[] }): void {
  test('an event arrives with its type and its detail', async () => {
    const { events, arrived } = open();
    const detail = { stream: 'orders', verdict: 'COMPLETE', records: { delivered: 3 }, omitted: undefined };
    await events.publish('Sync Closed', detail);
    assert.deepEqual(arrived(), [
      { type: 'Sync Closed', detail: '{"stream":"orders","verdict":"COMPLETE","records":{"delivered":3}}' },
    ]);
  });
}

/** On the bus of an account an event says besides in which bucket its objects lie. */
const BUCKET = 'results';
function withoutBucket(detail: unknown): string {
  const { bucket, ...rest } = z.looseObject({ bucket: z.string() }).parse(detail);
  assert.equal(bucket, BUCKET);
  return JSON.stringify(rest);
}

describe('Events in memory', () =>
  eventsContract(() => {
    const events = memoryEvents();
    return { events, arrived: () => events.published };
  }));

describe('Events on EventBridge (embedded)', () => {
  let embedded: Embedded;
  before(async () => {
    embedded = await startEmbedded();
  });
  after(() => embedded.stop());
  eventsContract(() => ({
    events: eventBridge(embedded.events, BUCKET),
    arrived: () =>
      embedded.published.map(({ detailType, detail }) => ({ type: detailType, detail: withoutBucket(detail) })),
  }));
});

describe('Events on EventBridge', () => {
  const input = z.strictObject({
    Entries: z
      .tuple([z.strictObject({ Source: z.literal('headgate'), DetailType: z.string(), Detail: z.string() })])
      .transform(([{ DetailType, Detail }]) => ({ type: DetailType, detail: withoutBucket(JSON.parse(Detail)) })),
  });
  const accepted = { FailedEntryCount: 0, Entries: [{ EventId: '1' }] };
  let answer: object;
  let arrived: Arrived[];
  let stub: Stub;
  let events: Events;
  before(async () => {
    stub = await startStub((call) => {
      arrived.push(input.parse(call.input).Entries);
      return { status: 200, body: answer };
    });
    events = eventBridge(new EventBridgeClient({ endpoint: stub.endpoint, ...credentials }), BUCKET);
  });
  beforeEach(() => {
    [answer, arrived] = [accepted, []];
  });
  after(() => stub.stop());
  eventsContract(() => ({ events, arrived: () => arrived }));

  test('an event that the bus does not take is an error, though the call succeeded', async () => {
    answer = { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' }] };
    await assert.rejects(events.publish('Sync Closed', {}), /"Sync Closed".*ThrottlingException/);
  });
});
