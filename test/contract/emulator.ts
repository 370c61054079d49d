import type { Server } from 'node:net';

/** What an AWS client needs before it talks to 127.0.0.1. The keys open nothing. */
export const credentials = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
};

/** The address of a server that listens on 127.0.0.1. */
export function endpointOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port.');
  return `http://127.0.0.1:${address.port}`;
}
