import { setTimeout as pause } from 'node:timers/promises';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { Objects } from '../pipeline/ports.ts';

/** Milliseconds before each try; the later ones are for a put that met another one of the same key. */
const WAITS = [0, 50, 200, 800];

/**
 * A bucket. When the answer to a put is lost, the SDK puts again and is told that the key is taken: `create` then says
 * `false` of an object that is the caller's own.
 *
 * The role needs `s3:ListBucket`: without it S3 answers 403 instead of 404 for a key that is free, and `get` throws
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
 */
export function s3Objects(client: S3Client, bucket: string): Objects {
  async function put(command: PutObjectCommand): Promise<boolean | 'conflict'> {
    try {
      await client.send(command);
      return true;
    } catch (error) {
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status === 412) return false;
      if (status === 409) return 'conflict';
      throw error;
    }
  }

  return {
    async create(key, body, { type, encoding }) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentType: type,
        ContentEncoding: encoding,
        IfNoneMatch: '*',
      });
      for (const wait of WAITS) {
        if (wait > 0) await pause(wait);
        const done = await put(command);
        if (done !== 'conflict') return done;
      }
      throw new Error(`The object "${key}" could not be stored: others keep putting it.`);
    },

    async get(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return (await Body?.transformToByteArray()) ?? new Uint8Array();
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
