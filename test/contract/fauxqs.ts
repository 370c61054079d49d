import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, startFauxqs as start } from 'fauxqs';
import { credentials } from './emulator.ts';

export type Fauxqs = {
  readonly server: FauxqsServer;
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  stop(): Promise<void>;
};

/** SQS and S3 on 127.0.0.1, in this process, in memory. */
export async function startFauxqs(): Promise<Fauxqs> {
  const server = await start({ port: 0, host: '127.0.0.1', logger: false });
  const endpoint = `http://127.0.0.1:${server.port}`;
  // The SQS client talks to the host of a queue's URL unless it is told its endpoint.
  const sqs = new SQSClient({ endpoint, ...credentials });
  const s3 = new S3Client({ endpoint, forcePathStyle: true, ...credentials });
  return {
    server,
    sqs,
    s3,
    async stop() {
      sqs.destroy();
      s3.destroy();
      await server.stop();
    },
  };
}
