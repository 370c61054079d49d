import assert from 'node:assert/strict';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { s3Objects } from '../../lib/aws/objects.ts';
import { dynamoTable } from '../../lib/aws/table.ts';
import { connectors } from '../../lib/connectors/index.ts';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import { buildApp } from '../../lib/infra/app.ts';
import { stages } from '../../lib/infra/stage.ts';
import { tick } from '../../lib/infra/tick.ts';
import { startEmbedded } from '../../lib/local/embedded.ts';
import type { OnCall } from '../../lib/local/gateway.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { type Ending, temporaryFolder } from './headgate.ts';

export type PracticeStack = {
  /** Folder of the templates and bundles; a worker that is started later runs what then lies there. */
  readonly assembly: string;
  /** One sync, from its schedule to its receipt. */
  sync(stream: string): Promise<{ readonly receipt: Receipt; readonly records: readonly Record<string, unknown>[] }>;
  /** Takes up what is open at once, as if nobody worked on it. */
  housekeep(): Promise<unknown>;
};

/** The deployed functions of the practice connector on the embedded stack, with one worker. `onCall`: hears each call of the worker to AWS. */
export async function startPractice(t: Ending, records: number, onCall: OnCall): Promise<PracticeStack> {
  const { practice } = connectors;
  assert.ok(practice);
  const api = await simulate(practice.connector, { records });
  t.after(() => api.stop());
  const folder = await temporaryFolder(t);
  const assembly = join(folder, 'assembly');
  buildApp({ stages: [stages.dev], connectors: [practice], outdir: assembly, validate: false }).synth();

  let closed = Promise.withResolvers<unknown>();
  const stack = await startEmbedded({
    assembly,
    state: join(folder, 'state'),
    secrets: {},
    workers: 1,
    onEvent: ({ detail }) => closed.resolve(detail),
    onCall: (call, moment) => {
      if (call.function !== undefined) onCall(call, moment);
    },
  });
  t.after(() => stack.stop());

  const variables = stack.environment('work', 'practice');
  const client = {
    endpoint: stack.endpoint,
    region: 'us-east-1',
    credentials: stack.credentials,
  };
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(client));
  const objects = s3Objects(new S3Client({ ...client, forcePathStyle: true }), variables.BUCKET ?? '');
  const params = JSON.stringify({ url: api.url });
  const key = { pk: 'practice', sk: 'main' };
  await dynamoTable(documents, variables.CONNECTIONS_TABLE ?? '').create(key, { params, status: 'active' });

  const read = async (name: string): Promise<Buffer> => Buffer.from((await objects.get(name)) ?? []);
  const lines = async (name: string): Promise<Record<string, unknown>[]> =>
    gunzipSync(await read(name))
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  let at = Date.parse('2026-11-22T12:00:00Z');
  return {
    assembly,
    housekeep: () => stack.invoke('housekeeping', 'practice', { idleSeconds: 0 }),
    async sync(stream) {
      closed = Promise.withResolvers();
      at += 60_000;
      const schedule = stack.schedules.find(({ input }) => input === tick(stream));
      await stack.fire(schedule?.id ?? '', new Date(at));
      const detail = Object(await closed.promise);
      const receipt = receiptSchema.parse(JSON.parse((await read(detail.receipt)).toString()));
      const parts = await lines(receipt.manifest);
      return { receipt, records: (await Promise.all(parts.map((part) => lines(String(part.key))))).flat() };
    },
  };
}
