import { randomUUID } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  type QueryCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { Change, Clause, Item, Key, Table, Written } from '../pipeline/ports.ts';
import { expression } from './expression.ts';
import { assertChange, assertItem, refuseClauses, WRITE_ID } from './refusals.ts';

/** The index of open syncs: its partition key is the attribute of the same name, and it holds nothing but keys. */
const LIVE = 'live';
/** The index of the streams by freshness: partition key `fresh`, sort key `freshAt`, and nothing but keys. */
const FRESH = 'fresh';

/**
 * A DynamoDB table with the keys `pk` and `sk` and the indexes `live` and `fresh`. Items come back without their key, except from a query.
 *
 * When the answer to a write is lost, the SDK sends the write again. Each call therefore writes an id of its own, on the condition that it
 * is not there: a repeated write has no second effect, and the id that stands tells that the first one had.
 */
export function dynamoTable(client: DynamoDBDocumentClient, name: string): Table {
  const table = { TableName: name };

  async function read(key: Key): Promise<object | undefined> {
    return (await client.send(new GetCommand({ ...table, Key: key, ConsistentRead: true }))).Item;
  }

  async function write(
    key: Key,
    change: Change,
    when: readonly Clause[],
    guard: readonly Clause[],
  ): Promise<Written<Item>> {
    assertChange(change);
    refuseClauses(when);
    const id = randomUUID();
    const command = new UpdateCommand({
      ...table,
      Key: key,
      ...expression({ ...change, set: { ...change.set, [WRITE_ID]: id } }, [...guard, ...when], [[WRITE_ID, id]]),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      return { ok: true, item: attributes((await client.send(command)).Attributes) };
    } catch (error) {
      return writtenBy(id, await standing(key, error));
    }
  }

  /** The item against which a condition failed, with its key and the id of its last write. Whatever else went wrong is thrown on. */
  async function standing(key: Key, error: unknown): Promise<object | undefined> {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    // Without an item in the error there was none, or the store is an emulator that does not tell.
    return error.Item === undefined ? read(key) : unmarshalled.parse(error.Item);
  }

  async function* found(input: Partial<QueryCommandInput>): AsyncGenerator<Key & Item> {
    for await (const page of paginateQuery({ client }, { ...table, ...input })) {
      for (const item of page.Items ?? []) yield withoutId(item);
    }
  }

  return {
    async get(key) {
      const found = await read(key);
      return found === undefined ? undefined : attributes(found);
    },
    async create(key, item) {
      assertItem(item);
      const id = randomUUID();
      const command = new PutCommand({
        ...table,
        Item: { ...item, ...key, [WRITE_ID]: id },
        ...expression({}, [{ absent: 'pk' }]),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      try {
        await client.send(command);
        return { ok: true, item };
      } catch (error) {
        return writtenBy(id, await standing(key, error));
      }
    },
    update: (key, change, when = []) => write(key, change, when, [{ present: 'pk' }]),
    upsert: (key, change, when = []) => write(key, change, when, []),
    async *query(pk, prefix, after) {
      const start = startingAfter(prefix, after);
      if (start === 'past') return;
      yield* found({
        KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': pk, ...(prefix === '' ? {} : { ':prefix': prefix }) },
        ExclusiveStartKey: start === 'first' ? undefined : { pk, sk: start.after },
        ConsistentRead: true,
      });
    },
    live: (value) =>
      found({
        IndexName: LIVE,
        KeyConditionExpression: '#live = :live',
        ExpressionAttributeNames: { '#live': LIVE },
        ExpressionAttributeValues: { ':live': value },
      }),
    async *stalest(value) {
      const pages = paginateQuery(
        { client, pageSize: STALEST },
        {
          ...table,
          IndexName: FRESH,
          KeyConditionExpression: 'fresh = :fresh',
          ExpressionAttributeValues: { ':fresh': value },
        },
      );
      for await (const { Items = [] } of pages) for (const item of Items) yield placed.parse(item);
    },
  };
}

/** DynamoDB refuses a start key outside of the range that is asked for, so a start before or after it is told apart. */
function startingAfter(prefix: string, after: string | undefined): 'first' | 'past' | { readonly after: string } {
  if (after === undefined || after === '') return 'first';
  if (after.startsWith(prefix)) return { after };
  return Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0 ? 'first' : 'past';
}

const value = z.union([z.string(), z.number(), z.boolean(), z.set(z.string())]);
/** How many of the stalest are read at a time: mostly the first one is the one. */
const STALEST = 10;
const placed = z.object({ pk: z.string(), sk: z.string(), freshAt: z.number() });

const stored = z.object({ pk: z.string(), sk: z.string() }).catchall(value);

/** An item with its key, as its callers wrote it. */
function withoutId(item: unknown): Key & Item {
  const { [WRITE_ID]: _id, ...rest } = stored.parse(item);
  return rest;
}

/** What an item holds beside its key. */
function attributes(item: unknown): Item {
  const { pk: _pk, sk: _sk, ...rest } = withoutId(item);
  return rest;
}

/** What a write came to whose condition failed: where its own id stands, the SDK sent it twice, and the first time it held. */
function writtenBy(id: string, found: object | undefined): Written<Item> {
  if (found === undefined) return { ok: false, item: undefined };
  return { ok: stored.parse(found)[WRITE_ID] === id, item: attributes(found) }; // R8
}

/** The item inside an error comes in DynamoDB's own notation: the document client translates answers, not errors. */
const unmarshalled = z.record(
  z.string(),
  z.union([
    z.object({ S: z.string() }).transform(({ S }) => S),
    z.object({ N: z.string() }).transform(({ N }) => Number(N)),
    z.object({ BOOL: z.boolean() }).transform(({ BOOL }) => BOOL),
    z.object({ SS: z.array(z.string()) }).transform(({ SS }) => new Set(SS)),
  ]),
);
