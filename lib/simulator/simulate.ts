import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Connector } from '../core/connector/connector.ts';
import { SECOND } from '../core/time.ts';
import { answer } from './answer.ts';
import type { Answer, Received } from './exchange.ts';
import { type Model, type ModelOptions, modelOf } from './model.ts';
import { SimulatorRefusal } from './refusal.ts';
import { honest, type Trouble, troubled } from './trouble.ts';

/** A simulated API that is up. */
export type Simulation = {
  /** Its base URL, on 127.0.0.1. */
  readonly url: string;
  /** The parameters it was made for: those given, or made-up ones. */
  readonly params: unknown;
  /** The connection's secret that it accepts; `{}` if it is open. */
  readonly secret: Readonly<Record<string, unknown>>;
  /** The record of a stream with this index, as the API sends it; index 0 changed longest ago. */
  record(stream: string, index: number): unknown;
  /** How many requests each stream has had, whatever the answer. Requests that no stream makes are not counted. */
  requests(): Readonly<Record<string, number>>;
  /** Ends it, and every connection to it. */
  stop(): Promise<void>;
};

/** Longest body of a request, in bytes. */
const LONGEST_BODY = 1_048_576;
/** How long an idle connection is kept: longer than a client keeps it, so that no request meets one that is closing. */
const KEEP_ALIVE = 60 * SECOND;

export type SimulateOptions = ModelOptions & {
  /** Its faults. Default: none, it is honest. */
  readonly trouble?: Trouble;
};

/**
 * Starts an API made from the connector's own declaration: without `trouble` an honest one, that answers what the declaration says an
 * API answers. Same connector, seed and records: same answers. Throws a {@link SimulatorRefusal} that names the stream
 * and the function if the declaration cannot be inverted.
 */
export async function simulate(connector: Connector, options: SimulateOptions = {}): Promise<Simulation> {
  return serve(modelOf(connector, options), options.trouble);
}

/** Serves an API that was made from a declaration. `trouble`: its faults; by default it is honest. */
export async function serve(model: Model, trouble?: Trouble): Promise<Simulation> {
  const does = trouble === undefined ? honest : troubled(trouble);
  const counts = new Map(model.streams.map(({ name }) => [name, 0]));
  const server = answeringServer((request) => {
    const given = answer(model, request, does);
    if (given.stream !== undefined) counts.set(given.stream, (counts.get(given.stream) ?? 0) + 1);
    return given;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: urlOf(server),
    params: model.client.params,
    secret: model.client.secret,
    record: (stream, index) => recordOf(model, stream, index),
    requests: () => Object.fromEntries(counts),
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function recordOf({ streams }: Model, name: string, index: number): unknown {
  const stream = streams.find((one) => one.name === name);
  if (stream === undefined) throw new SimulatorRefusal(`There is no stream "${name}".`);
  return stream.records.record(index);
}

/** Answers requests over HTTP. Node adds the `Date` header. */
function answeringServer(answering: (request: Received) => Answer): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE }, async (request, response) => {
    const { status, headers, body } = await answerTo(request, answering);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      ...headers,
    });
    response.end(text);
  });
}

async function answerTo(request: IncomingMessage, answering: (request: Received) => Answer): Promise<Answer> {
  try {
    const body = await bodyOf(request);
    return body === undefined ? TOO_LONG : answering(received(request, body));
  } catch (error) {
    // The client hung up, or a function of the connector failed on a real request: neither may end the process.
    return { status: 500, headers: {}, body: { error: 'failed', message: String(error) } };
  }
}

const TOO_LONG: Answer = {
  status: 413,
  headers: {},
  body: { error: 'too_large', message: `A request's body may have at most ${LONGEST_BODY} bytes.` },
};

/** The body as text, or `undefined` if it is too long: then it is read to its end, or the answer would be lost, but not kept. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length <= LONGEST_BODY) chunks.push(bytes);
  }
  return length <= LONGEST_BODY ? Buffer.concat(chunks).toString() : undefined;
}

const received = ({ method = 'GET', url = '/', headers }: IncomingMessage, body: string): Received => ({
  method,
  url: new URL(url, `http://${headers.host ?? '127.0.0.1'}`),
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
  body,
  now: Date.now(),
});

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return `http://127.0.0.1:${address.port}`;
}
