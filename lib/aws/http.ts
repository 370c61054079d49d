import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import { SECOND } from '../core/time.ts';
import { VERSION } from '../core/version.ts';
import type { Http, WireReply, WireRequest } from '../pipeline/ports.ts';
import { type AgentPair, openAgents } from './agents.ts';
import { ACCEPTED_ENCODINGS, decompressorOf, isGzip, readBody } from './body.ts';
import { type Gate, openGate } from './gate.ts';
import { transportFailure } from './transport-failure.ts';

/** So many large bodies are read, and so many decompressed, at once: each may be as large as its bound. */
const LARGE_AT_ONCE = 2;
/** Bytes of a compressed body that are decompressed at any time: they become a thousand times as much at most. */
const SMALL_COMPRESSED = 4 * 1024;

type Gates = { readonly reading: Gate; readonly decompressing: Gate };

const DEFAULT_HEADERS = { 'accept-encoding': ACCEPTED_ENCODINGS, 'user-agent': `headgate/${VERSION}` };

/** Milliseconds until there must be a connection. */
const CONNECT_TIMEOUT = 10 * SECOND;

/** A request on its way: the connection it was given, and whether that stands. */
type Departure = { socket: Socket | undefined; connected: boolean };

/**
 * HTTP/1.1 over connections that are kept alive; connecting is given up after 10 s. `user-agent` and `accept-encoding`
 * are added unless the request brings its own. A compressed body is handed out decompressed, without the headers
 * `content-encoding` and `content-length`, which spoke of the bytes on the wire; the bound holds for either form.
 * `environment`: names a proxy, if there is one.
 */
export function nodeHttp(environment: Readonly<Record<string, string | undefined>> = process.env): Http {
  const gates: Gates = { reading: openGate(LARGE_AT_ONCE), decompressing: openGate(LARGE_AT_ONCE) };
  const agentsFor = openAgents(environment);

  return {
    async send(request, { deadline, bound }) {
      const departure: Departure = { socket: undefined, connected: false };
      const expiry = new AbortController();
      const expired = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        expiry.abort();
        expired.reject();
      }, deadline);
      try {
        // Node heeds the signal only once there is a connection; the race is for the time before. Such a request never leaves.
        const sent = exchange(agentsFor(request.tls), { request, signal: expiry.signal, departure }, bound, gates);
        return await Promise.race([sent, expired.promise]);
      } catch (error) {
        return transportFailure(error, {
          host: URL.parse(request.url)?.host ?? 'an address that is none',
          deadline,
          bound,
          expired: expiry.signal.aborted,
          secure: request.url.startsWith('https:'),
          connected: departure.connected,
          unanswered: departure.socket?.bytesRead === 0,
        });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

type Sending = { readonly request: WireRequest; readonly signal: AbortSignal; readonly departure: Departure };

async function exchange(agents: AgentPair, sending: Sending, bound: number, gates: Gates): Promise<WireReply> {
  const message = await dispatch(agents, sending);
  const body = await readBody(
    message,
    { bound, expected: Number(message.headers['content-length'] ?? 0) },
    gates.reading,
  );
  const reply = { status: message.statusCode ?? 0, headers: joined(message.headersDistinct), body };
  return decoded(reply, bound, gates.decompressing);
}

/** Sends a request. Gives its answer as soon as the head of it is there. */
function dispatch(agents: AgentPair, { request, signal, departure }: Sending): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const url = new URL(request.url);
  const headers = { ...DEFAULT_HEADERS, ...lowerCased(request.headers), ...lengthOf(request.body) };
  // Credentials are the headers' alone, never those of an address.
  const options = { ...urlToHttpOptions(url), auth: null, method: request.method, headers, signal };
  const isSecure = url.protocol === 'https:';
  const sent = isSecure
    ? https.request({ ...options, agent: agents.https })
    : http.request({ ...options, agent: agents.http });
  sent
    .on('response', resolve)
    .on('error', reject)
    .on('socket', (socket: Socket) => {
      departure.socket = socket;
      departure.connected = sent.reusedSocket || isConnected(socket);
      if (departure.connected) return;
      const timer = setTimeout(() => sent.destroy(connectTimedOut()), CONNECT_TIMEOUT);
      socket.once('close', () => clearTimeout(timer));
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        departure.connected = true;
      });
    })
    .end(request.body);
  return promise;
}

/** Of a TLS connection the protocol is known once its handshake is over. */
const isConnected = (socket: Socket): boolean =>
  !socket.connecting && (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'unknown');

const connectTimedOut = (): Error => Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });

const lengthOf = (body: string | undefined): Readonly<Record<string, string>> =>
  body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };

async function decoded(reply: WireReply, bound: number, gate: Gate): Promise<WireReply> {
  const { 'content-encoding': encoding = '', 'content-length': _length, ...headers } = reply.headers;
  // A file is often stored compressed, and served as what it is.
  const decompress = decompressorOf(encoding) ?? (isGzip(reply.body) ? decompressorOf('gzip') : undefined);
  if (decompress === undefined || reply.body.length === 0) return reply;
  const leave = reply.body.length > SMALL_COMPRESSED ? await gate.enter() : undefined;
  try {
    return { ...reply, headers, body: await decompress(reply.body, { maxOutputLength: bound }) };
  } finally {
    leave?.();
  }
}

const lowerCased = (headers: WireRequest['headers']): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const joined = (headers: NodeJS.Dict<string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, values = []]) => [name, values.join(', ')]));
