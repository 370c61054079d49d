import { once } from 'node:events';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import dynalite from 'dynalite';
import { credentials, endpointOf } from './emulator.ts';

export type Dynalite = {
  readonly client: DynamoDBDocumentClient;
  /** Name of a table of the shape that the stacks deploy. */
  readonly table: string;
  stop(): Promise<void>;
};

/** DynamoDB on 127.0.0.1, in this process, in memory. */
export async function startDynalite(): Promise<Dynalite> {
  const server = dynalite({ createTableMs: 0 });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint: endpointOf(server), ...credentials, maxAttempts: 3 }),
  );
  await client.send(createTable(TABLE));
  await waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 10 }, { TableName: TABLE });
  return {
    client,
    table: TABLE,
    async stop() {
      client.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

const TABLE = 'syncs';

/** A table of the shape that the stacks deploy. */
export const createTable = (TableName: string) =>
  new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      ...['pk', 'sk', 'live', 'fresh'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
      { AttributeName: 'freshAt', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'live',
        KeySchema: [{ AttributeName: 'live', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: 'fresh',
        KeySchema: [
          { AttributeName: 'fresh', KeyType: 'HASH' },
          { AttributeName: 'freshAt', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  });
