import type { S3Client } from '@aws-sdk/client-s3';
import type { Source } from './source.ts';

/** Closed syncs of a bucket: that of a stage's state stack. Default client: credentials and region as the AWS tools find them. */
export function bucketSource(bucket: string, client?: S3Client): Source {
  // Loaded late: who reads a folder needs no SDK.
  const sdk = import('@aws-sdk/client-s3');
  const opened = sdk.then(({ S3Client }) => client ?? new S3Client());
  return {
    async *list(prefix) {
      const { paginateListObjectsV2 } = await sdk;
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client: await opened },
        { Bucket: bucket, Prefix: prefix },
      ))
        for (const { Key } of Contents) if (Key !== undefined) yield Key;
    },
    async open(key) {
      const { GetObjectCommand } = await sdk;
      const { Body } = await (await opened).send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      if (Body === undefined) throw new Error(`The object "${key}" has no body.`);
      return Body.transformToWebStream();
    },
  };
}
