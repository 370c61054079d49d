import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { s3Objects } from '../../lib/aws/objects.ts';
import type { Objects } from '../../lib/pipeline/ports.ts';
import { credentials, endpointOf } from '../contract/emulator.ts';

const json = { type: 'application/json' };
const body = new TextEncoder().encode('{}');

describe('S3 as AWS has it and an emulator has not', () => {
  /** What S3 answers, request by request; then 200. */
  let answers: { status: number; code: string }[];
  let conditions: unknown[];
  let server: Server;
  let objects: Objects;
  before(async () => {
    server = createServer((request, response) => {
      conditions.push(request.headers['if-none-match']);
      request.resume();
      const { status, code } = answers.shift() ?? { status: 200, code: '' };
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(status === 200 ? '' : `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const client = new S3Client({ endpoint: endpointOf(server), forcePathStyle: true, ...credentials });
    objects = s3Objects(client, 'objects');
  });
  beforeEach(() => {
    [answers, conditions] = [[], []];
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  const taken = { status: 412, code: 'PreconditionFailed' };
  const conflict = { status: 409, code: 'ConditionalRequestConflict' };

  test('a put asks that the key be free', async () => {
    assert.equal(await objects.create('key', body, json), true);
    assert.deepEqual(conditions, ['*']);
  });

  test('a key that is taken is said to be', async () => {
    answers = [taken];
    assert.equal(await objects.create('key', body, json), false);
  });

  test('a put that meets another one is tried again', async () => {
    answers = [conflict, conflict];
    assert.equal(await objects.create('key', body, json), true);
    answers = [conflict, taken];
    assert.equal(await objects.create('key', body, json), false);
  });

  test('a put that always meets another one is an error after four requests', async () => {
    answers = [conflict, conflict, conflict, conflict];
    await assert.rejects(objects.create('key', body, json), /"key" could not be stored/);
    assert.equal(conditions.length, 4);
  });

  test('every other error is thrown', async () => {
    answers = [{ status: 403, code: 'AccessDenied' }];
    await assert.rejects(objects.create('key', body, json), { name: 'AccessDenied' });
    answers = [{ status: 403, code: 'AccessDenied' }];
    await assert.rejects(objects.get('key'), { name: 'AccessDenied' });
    answers = [{ status: 404, code: 'NoSuchBucket' }];
    await assert.rejects(objects.get('key'), { name: 'NoSuchBucket' });
  });

  test('a key that is free is undefined', async () => {
    answers = [{ status: 404, code: 'NoSuchKey' }];
    assert.equal(await objects.get('key'), undefined);
  });
});
