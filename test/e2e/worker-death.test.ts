import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { s3Objects } from '../../lib/aws/objects.ts';
import { dynamoTable } from '../../lib/aws/table.ts';
import { connectors } from '../../lib/connectors/index.ts';
import { receiptSchema } from '../../lib/core/receipt.ts';
import { buildApp } from '../../lib/infra/app.ts';
import { tick } from '../../lib/infra/schedule.ts';
import { stages } from '../../lib/infra/stage.ts';
import { startEmbedded } from '../../lib/local/embedded.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { temporaryFolder } from './headgate.ts';

/** Enough for three blocks of a numbered listing, and for several pages of a chain. */
const RECORDS = 500;

type Death = { readonly call: number; readonly moment: 'before' | 'after' };

/** The deployed functions on the embedded stack, one of whose calls to AWS kills the worker that makes it. */
async function startStack(t: TestContext) {
  const { practice } = connectors;
  assert.ok(practice);
  const api = await simulate(practice.connector, { records: RECORDS });
  t.after(() => api.stop());
  const folder = await temporaryFolder(t);
  const assembly = join(folder, 'assembly');
  buildApp({ stages: [stages.dev], connectors: [practice], outdir: assembly, validate: false }).synth();

  let calls = 0;
  let death: Death | undefined;
  let closed = Promise.withResolvers<unknown>();
  const stack = await startEmbedded({
    assembly,
    state: join(folder, 'state'),
    secrets: {},
    threads: 1,
    onEvent: ({ detail }) => closed.resolve(detail),
    onCall: ({ function: by, kill }, moment) => {
      if (by === undefined || death === undefined) return;
      if (moment === 'before') calls += 1;
      if (calls !== death.call || moment !== death.moment) return;
      death = undefined;
      kill();
      // Whoever is dead holds his lease: housekeeping knows that nobody works.
      stack.invoke('housekeeping', 'practice', { idleSeconds: 0 }).catch(closed.reject);
    },
  });
  t.after(() => stack.stop());

  const variables = stack.environment('work', 'practice');
  const client = {
    endpoint: stack.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
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
    /** One sync; says how many calls its workers made, or `died` if one of them was killed. */
    async sync(stream: string, kill: Death) {
      closed = Promise.withResolvers();
      calls = 0;
      death = kill;
      at += 60_000;
      const schedule = stack.schedules.find(({ input }) => input === tick(stream));
      await stack.fire(schedule?.id ?? '', new Date(at));
      const detail = Object(await closed.promise);
      const receipt = receiptSchema.parse(JSON.parse((await read(detail.receipt)).toString()));
      const parts = await lines(receipt.manifest);
      const records = (await Promise.all(parts.map((part) => lines(String(part.key))))).flat();
      return { receipt, records, died: death === undefined };
    },
  };
}

/** Every death at both moments is tried over memory ports (test/pipeline/deaths.test.ts); here, every third one on the real parts. */
const CASES = [
  { stream: 'customers', moment: 'after' },
  { stream: 'events', moment: 'before' },
] as const;

describe('a worker thread that dies at one of its calls to AWS loses nothing and counts nothing twice', () => {
  for (const { stream, moment } of CASES) {
    it(`${stream}, ${moment} the call took effect`, async (t) => {
      const stack = await startStack(t);
      let deaths = 0;
      for (let call = 1; ; call += 3) {
        const { receipt, records, died } = await stack.sync(stream, { call, moment });
        assert.equal(receipt.verdict, 'COMPLETE', `death at call ${call}`);
        assert.equal(receipt.records.delivered, RECORDS, `death at call ${call}`);
        assert.equal(records.length, RECORDS, `death at call ${call}`);
        assert.equal(new Set(records.map(({ id }) => id)).size, RECORDS, `death at call ${call}`);
        if (!died) break;
        deaths += 1;
      }
      assert.ok(deaths > 5, `${deaths} deaths`);
      t.diagnostic(`${deaths} deaths`);
    });
  }
});
