import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import dynalite from 'dynalite';
import * as z from 'zod';
import { answerStoreErrors } from './answer-store-errors.ts';
import { closeIterators } from './close-iterators.ts';
import { diskErrorOf } from './disk-error.ts';
import { replaceFile } from './replace-file.ts';
import type { Answer, Backend } from './service.ts';
import { StateFolderError } from './state-folder-error.ts';

/** A table as a template declares it: the input of CreateTable. */
export const tableSchema = z.object({
  TableName: z.string(),
  KeySchema: z.array(z.object({ AttributeName: z.string(), KeyType: z.string() })),
  AttributeDefinitions: z.array(z.object({ AttributeName: z.string(), AttributeType: z.string() })),
  GlobalSecondaryIndexes: z
    .array(z.object({ IndexName: z.string(), KeySchema: z.unknown(), Projection: z.unknown() }))
    .optional(),
  BillingMode: z.literal('PAY_PER_REQUEST'),
});
export type Table = z.output<typeof tableSchema>;

export type Tables = {
  readonly backend: Backend;
  /** Only when no call is under way: dynalite ends the process when it finds its store closed. */
  close(): Promise<void>;
};

/**
 * DynamoDB over a folder, by dynalite. Tables that exist keep their items. A call throws what the disk refuses. Throws a {@link StateFolderError} when one of
 * them was made with other keys or indexes than it is declared with now.
 */
export async function openTables(folder: string, declared: readonly Table[]): Promise<Tables> {
  const record = `${folder}.json`;
  const made = await readRecord(record);
  for (const table of declared) refuseChange(table, made?.[table.TableName], folder);
  if (!made) await removeHalfMade(folder);

  closeIterators();
  answerStoreErrors();
  const server = dynalite({ path: folder, createTableMs: 0 });
  const backend = dynamodb(server, folder);
  try {
    for (const table of declared) await ensureTable(backend, table);
    const now = { ...made, ...Object.fromEntries(declared.map((table) => [table.TableName, table])) };
    replaceFile(record, JSON.stringify(now, undefined, 2));
  } catch (error) {
    await close(server);
    throw error;
  }
  return { backend, close: () => close(server) };
}

const recordSchema = z.record(z.string(), tableSchema);
type Made = z.output<typeof recordSchema>;

async function readRecord(file: string): Promise<Made | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : recordSchema.parse(JSON.parse(text));
}

function refuseChange(now: Table, before: Table | undefined, folder: string): void {
  if (before === undefined || isDeepStrictEqual(before, now)) return;
  throw new StateFolderError(
    `The keys or indexes of the table ${now.TableName} have changed since ${folder} was made; use another state folder.`,
  );
}

/**
 * Without a record no start got as far as running a function: the tables hold nothing, and one may be half made, which
 * dynalite never mends. `CURRENT` is LevelDB's own file: a folder without it is not ours to delete.
 */
async function removeHalfMade(folder: string): Promise<void> {
  if (existsSync(join(folder, 'CURRENT'))) await rm(folder, { recursive: true });
}

/**
 * Calls dynalite's handler without its server. The body goes in whole: dynalite ends the process when a request breaks
 * off in the middle, and a worker that dies breaks its requests off.
 */
const dynamodb =
  (server: Server, folder: string): Backend =>
  ({ url, method, headers, body }) =>
    new Promise((resolve, reject) => {
      const request = Object.assign(new EventEmitter(), { url, method, headers });
      const sent: { [name: string]: string | number } = {};
      const response = {
        statusCode: 200,
        setHeader: (name: string, value: string | number) => {
          sent[name] = value;
        },
        end: (text = '') => {
          const failed = response.statusCode < 500 ? undefined : diskErrorOf(text, folder);
          if (failed === undefined) resolve({ status: response.statusCode, headers: sent, body: text });
          else reject(failed);
        },
      };
      server.emit('request', request, response);
      if (body.length > 0) request.emit('data', body);
      request.emit('end');
    });

/** How long a new table may take until it can be used, in milliseconds; it takes a few. */
const CREATION_DEADLINE = 5_000;

async function ensureTable(backend: Backend, table: Table): Promise<void> {
  const description = { TableName: table.TableName };
  if ((await call(backend, 'DescribeTable', description)).status !== 200) {
    const created = await call(backend, 'CreateTable', table);
    if (created.status !== 200) throw new Error(`The table ${table.TableName} could not be made: ${created.body}`);
  }
  const deadline = Date.now() + CREATION_DEADLINE;
  while (!isActive(await call(backend, 'DescribeTable', description))) {
    if (Date.now() > deadline)
      throw new Error(`The table ${table.TableName} does not become usable; use another state folder.`);
    await setTimeout(1);
  }
}

const describedSchema = z.object({ Table: z.object({ TableStatus: z.string() }) });
const isActive = ({ body }: Answer): boolean =>
  describedSchema.parse(JSON.parse(body.toString())).Table.TableStatus === 'ACTIVE';

/** Calls an operation as its client would. */
export async function call(backend: Backend, operation: string, input: object): Promise<Answer> {
  return backend({
    operation,
    method: 'POST',
    url: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      // dynalite wants a signature of the right form and does not check it.
      authorization: 'AWS4-HMAC-SHA256 Credential=embedded, SignedHeaders=host, Signature=none',
      'x-amz-date': '20260101T000000Z',
    },
    body: Buffer.from(JSON.stringify(input)),
  });
}

/** dynalite closes its store when its server closes, and only a server that listens can close. */
async function close(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
}
