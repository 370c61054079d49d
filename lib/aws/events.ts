import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Events } from '../pipeline/ports.ts';

const SOURCE = 'headgate';

/**
 * The account's default event bus. Stages share it, so each event says in which `bucket` its objects lie. Throws if the bus does not take the
 * event.
 */
export function eventBridge(client: EventBridgeClient, bucket: string): Events {
  return {
    async publish(type, detail) {
      const entry = { Source: SOURCE, DetailType: type, Detail: JSON.stringify({ ...detail, bucket }) };
      const { FailedEntryCount = 0, Entries = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }));
      if (FailedEntryCount === 0) return;
      throw new Error(`EventBridge did not take a "${type}" event: ${Entries[0]?.ErrorCode}.`);
    },
  };
}
