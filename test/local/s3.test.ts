import assert from 'node:assert/strict';
import { createReadStream, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchBucket,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { openGateway } from '../../lib/local/gateway.ts';
import { openObjectFolder } from '../../lib/local/object-folder.ts';
import { s3 } from '../../lib/local/s3.ts';
import { newFolder } from './small-stack.ts';

const folder = openObjectFolder(newFolder());
const gateway = await openGateway();
after(gateway.close);
gateway.serve({ s3: s3('bucket', folder) });
const silent = () => {};
const client = new S3Client({
  endpoint: gateway.endpoint,
  region: 'us-east-1',
  credentials: gateway.credentials,
  maxAttempts: 1,
  // It warns of a stream whose length it does not know, although it does.
  logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
});
after(() => client.destroy());
const Bucket = 'bucket';
const status = (expected: number) => (error: unknown) =>
  error instanceof Error &&
  '$metadata' in error &&
  assert.partialDeepStrictEqual(error.$metadata, { httpStatusCode: expected }) === undefined;

describe('s3', () => {
  it('keeps an object', async () => {
    const Key = 'api/part 1+ü.ndjson.gz';
    const put = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'hello' }));
    const got = await client.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal(await got.Body?.transformToString(), 'hello');
    assert.equal(got.ETag, put.ETag);
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
    assert.equal(head.ContentLength, 5);
    assert.deepEqual(folder.get(Key), Buffer.from('hello'));
  });

  it('keeps an object of 12 MB', async () => {
    const Body = Buffer.alloc(12_000_000, 'x');
    await client.send(new PutObjectCommand({ Bucket, Key: 'large', Body }));
    assert.deepEqual(folder.get('large'), Body);
  });

  it('keeps an object that is sent in chunks with a checksum behind them', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, Buffer.alloc(200_000, 'abc'));
    await client.send(new PutObjectCommand({ Bucket, Key: 'chunked', Body: createReadStream(file) }));
    assert.deepEqual(folder.get('chunked'), Buffer.alloc(200_000, 'abc'));
  });

  it('keeps an empty object', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }));
    assert.deepEqual(folder.get('empty'), Buffer.alloc(0));
  });

  it('puts only if absent when asked to', async () => {
    const put = (Body: string) => client.send(new PutObjectCommand({ Bucket, Key: 'once', Body, IfNoneMatch: '*' }));
    const puts = await Promise.allSettled(['a', 'b', 'c', 'd'].map(put));
    assert.equal(puts.filter((result) => result.status === 'fulfilled').length, 1);
    await assert.rejects(put('e'), status(412));
    await assert.rejects(put('e'), { name: 'PreconditionFailed' });
  });

  it('overwrites without a condition, and deletes', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '1' }));
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '2' }));
    assert.deepEqual(folder.get('k'), Buffer.from('2'));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'k' })), NoSuchKey);
    await assert.rejects(client.send(new HeadObjectCommand({ Bucket, Key: 'k' })), NotFound);
  });

  it('lists page by page', async () => {
    for (const name of ['1', '2', '3', '4', '5<&>']) {
      await client.send(new PutObjectCommand({ Bucket, Key: `list/${name}`, Body: name }));
    }
    const first = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', MaxKeys: 3 }));
    const second = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'list/', ContinuationToken: first.NextContinuationToken }),
    );
    assert.deepEqual([first.IsTruncated, second.IsTruncated], [true, false]);
    assert.deepEqual(
      [first, second].map((page) => page.Contents?.map(({ Key, Size }) => [Key, Size])),
      [
        [
          ['list/1', 1],
          ['list/2', 1],
          ['list/3', 1],
        ],
        [
          ['list/4', 1],
          ['list/5<&>', 4],
        ],
      ],
    );
  });

  it('knows no other bucket', async () => {
    await assert.rejects(client.send(new GetObjectCommand({ Bucket: 'other', Key: 'k' })), NoSuchBucket);
  });

  describe('refuses', () => {
    const send = (path: string, init: RequestInit = {}) =>
      fetch(gateway.endpoint + path, {
        ...init,
        headers: { authorization: `AWS4-HMAC-SHA256 Credential=${gateway.credentials.accessKeyId}/x`, ...init.headers },
      });

    /** `fetch` would tidy the path up. */
    const putRaw = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization: `AWS4-HMAC-SHA256 Credential=${gateway.credentials.accessKeyId}/x` };
        const put = request(gateway.endpoint, { method: 'PUT', path, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        put.on('error', reject).end('x');
      });

    it('a body that does not match its checksum', async () => {
      const put = { Bucket, Key: 'damaged', Body: 'x', ChecksumCRC32: 'AAAAAA==' };
      await assert.rejects(client.send(new PutObjectCommand(put)), { name: 'BadDigest' });
      assert.equal(folder.get('damaged'), undefined);
    });

    for (const [what, body] of [
      ['cut off', '7\r\none,tw'],
      ['without its end', '3\r\none\r\n'],
      ['with a size that is none', 'x\r\none\r\n0\r\n\r\n'],
      ['shorter than its chunk', '9\r\none\r\n0\r\n\r\n'],
      ['shorter than it says', '3\r\none\r\n0\r\n\r\n'],
    ] as const) {
      it(`a chunked body ${what}`, async () => {
        const headers = { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': '7' };
        const response = await send('/bucket/cut', { method: 'PUT', body, headers });
        assert.equal(response.status, 400);
        assert.match(await response.text(), /<Code>IncompleteBody<\/Code>/);
        assert.equal(folder.get('cut'), undefined);
      });
    }

    it('a key that leads out of the folder', async () => {
      for (const key of ['..%2F..%2Fescaped', 'a/%2E%2E/%2E%2E/b', 'a%2F%2Fb', 'a%00b', 'a/../../b', '%']) {
        assert.equal(await putRaw(`/bucket/${key}`), 400, key);
      }
    });

    it('what it does not know', async () => {
      for (const [method, path] of [
        ['POST', '/bucket/k?uploads'],
        ['PUT', '/bucket/k?tagging'],
        ['GET', '/bucket?versions'],
        ['GET', '/bucket?list-type=2&delimiter=/'],
      ] as const) {
        const response = await send(path, { method });
        assert.equal(response.status, 501, path);
        assert.match(await response.text(), /<Code>NotImplemented<\/Code>/);
      }
    });

    it('a request that no SDK sent', async () => {
      const response = await fetch(`${gateway.endpoint}/bucket/k`, { method: 'PUT', body: 'x' });
      assert.equal(response.status, 403);
    });
  });
});
