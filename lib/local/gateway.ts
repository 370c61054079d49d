import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { cloudformationOperation } from './cloudformation.ts';
import { isDiskError } from './disk-error.ts';
import { lambdaOperation } from './lambda.ts';
import { s3Operation } from './s3.ts';
import type { Answer, Backend, Call, Service } from './service.ts';

/** What a caller signs with. Only the id is looked at: it cannot be guessed, and only the owner of this process sees it. */
export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** Who calls: one process of a function, known by the access key that it was given. */
export type Caller = {
  readonly function: string;
  /** What a dead process still sends counts for nothing. */
  readonly dead: boolean;
  kill(): void;
};

export type CallNotice = {
  readonly service: Service;
  readonly operation: string;
  readonly body: Buffer;
  /** Name of the function that calls; absent for a caller from outside. */
  readonly function?: string;
  /** Ends the calling process right now. Does nothing to a caller from outside. */
  kill(): void;
};

/** `before`: nothing has happened yet. `after`: the call took effect, and its answer is not sent yet. */
export type OnCall = (call: CallNotice, moment: 'before' | 'after') => void;

export type Gateway = {
  readonly endpoint: string;
  /** For the process that runs the stack, and for no one else on this machine. */
  readonly credentials: Credentials;
  /** Calls by functions, `service:Operation` → how many. */
  readonly calls: Readonly<Record<string, number>>;
  /** Rejected with what the disk refused, when it did: from then on no call is of use. */
  readonly broken: Promise<never>;
  /** From now on calls are answered by these. */
  serve(backends: Partial<Record<Service, Backend>>): void;
  /** Takes no new calls, waits for those under way and frees the port. */
  close(): Promise<void>;
};

const TARGETS: ReadonlyMap<string, Service> = new Map([
  ['DynamoDB_20120810', 'dynamodb'],
  ['AmazonSQS', 'sqs'],
  ['secretsmanager', 'secretsmanager'],
  ['AWSEvents', 'events'],
  ['GraniteServiceVersion20100801', 'cloudwatch'],
]);

/** Bytes of a request's body: far more than a part holds, and little enough to be kept in memory. */
const LARGEST_BODY = 256 * 1024 * 1024;

/**
 * All services at one port of 127.0.0.1, told apart by their requests' headers. Every user of this machine reaches the port, and so does a web page
 * whose name was made to lead here: only requests by a key of the stack, to this address, are answered.
 */
export async function openGateway(callers: ReadonlyMap<string, Caller> = new Map(), onCall?: OnCall): Promise<Gateway> {
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  let backends: Partial<Record<Service, Backend>> = {};
  const credentials: Credentials = { accessKeyId: randomUUID(), secretAccessKey: randomUUID() };
  let host = '';
  const calls: Record<string, number> = {};
  const running = new Set<Promise<void>>();

  const answer = async (request: IncomingMessage): Promise<Answer | 'none'> => {
    const accessKey = accessKeyOf(request);
    const caller = callers.get(accessKey);
    if (request.headers.host !== host || (caller === undefined && accessKey !== credentials.accessKeyId))
      return plain(403, 'Only the command that runs this stack, and its functions, are answered here.');
    const body = await readBody(request);
    if (!body || caller?.dead) return 'none';

    const { service, operation } = classify(request, body);
    const backend = service && backends[service];
    if (!backend) return plain(501, `The embedded run does not know ${operation}.`);
    const by = caller && { function: caller.function };
    if (caller) calls[`${service}:${operation}`] = (calls[`${service}:${operation}`] ?? 0) + 1;
    const notice = { service, operation, body, ...by, kill: () => caller?.kill() };

    onCall?.(notice, 'before');
    if (caller?.dead) return 'none';
    const result = await backend({ operation, ...by, ...wire(request), body });
    onCall?.(notice, 'after');
    return caller?.dead ? 'none' : result;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const result = await answer(request).catch((error: unknown) => {
      if (isDiskError(error)) broken.reject(error);
      return plain(500, String(error));
    });
    if (result === 'none') response.destroy();
    else response.writeHead(result.status, result.headers).end(result.body);
  };

  const server = createServer((request, response) => {
    const done = handle(request, response).finally(() => running.delete(done));
    running.add(done);
  });
  // A client that keeps a connection must not find it closed at the moment it uses it again.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The gateway has no port.');

  host = `127.0.0.1:${address.port}`;

  return {
    endpoint: `http://${host}`,
    credentials,
    calls,
    broken: broken.promise,
    serve: (services) => {
      backends = services;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await Promise.all(running);
    },
  };
}

/** The access key id that a request is signed with. Its signature is not checked. */
const accessKeyOf = (request: IncomingMessage): string =>
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';

/** The service that a request is signed for, where the credential says it in full: `<key>/<date>/<region>/<service>/aws4_request`. */
const scopeOf = (request: IncomingMessage): string | undefined =>
  /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\/aws4_request/.exec(request.headers.authorization ?? '')?.[1];

function classify(request: IncomingMessage, body: Buffer): { service: Service | undefined; operation: string } {
  const { method = '', url = '', headers } = request;
  const scope = scopeOf(request);
  if (scope === 'cloudformation') return { service: scope, operation: cloudformationOperation(body) };
  if (scope === 'lambda') return { service: scope, operation: lambdaOperation(method, url) };
  const target = headers['x-amz-target'];
  if (typeof target !== 'string') return { service: 's3', operation: s3Operation(method, url) };
  const dot = target.indexOf('.');
  return { service: TARGETS.get(target.slice(0, dot)), operation: target.slice(dot + 1) };
}

const wire = ({ method = '', url = '', headers }: IncomingMessage): Pick<Call, 'method' | 'url' | 'headers'> => ({
  method,
  url,
  headers,
});

/** The whole body, or `undefined` if it broke off or is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += chunk.length;
      if (size > LARGEST_BODY) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

const plain = (status: number, body: string): Answer => ({ status, headers: { 'content-type': 'text/plain' }, body });
