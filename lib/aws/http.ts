import { type Dispatcher, request as dispatch } from 'undici';
import { VERSION } from '../core/version.ts';
import type { Http, WireReply, WireRequest } from '../pipeline/ports.ts';
import { openAgents } from './agents.ts';
import { ACCEPTED_ENCODINGS, decompressorOf, readBody } from './body.ts';
import { type Gate, openGate } from './gate.ts';
import { transportFailure } from './transport-failure.ts';

/** So many large bodies are read, and so many decompressed, at once: each may be as large as its bound. */
const LARGE_AT_ONCE = 2;
/** Bytes of a compressed body that are decompressed at any time: they become a thousand times as much at most. */
const SMALL_COMPRESSED = 4 * 1024;

type Gates = { readonly reading: Gate; readonly decompressing: Gate };

const DEFAULT_HEADERS = { 'accept-encoding': ACCEPTED_ENCODINGS, 'user-agent': `headgate/${VERSION}` };

/**
 * HTTP/1.1 over connections that are kept alive; connecting is given up after 10 s. `user-agent` and `accept-encoding`
 * are added unless the request brings its own. A compressed body is handed out decompressed, without the headers
 * `content-encoding` and `content-length`, which spoke of the bytes on the wire; the bound holds for either form.
 * `environment`: names a proxy, if there is one.
 */
export function undiciHttp(environment: Readonly<Record<string, string | undefined>> = process.env): Http {
  const gates: Gates = { reading: openGate(LARGE_AT_ONCE), decompressing: openGate(LARGE_AT_ONCE) };
  const whileConnecting = new WeakSet<object>();
  const agentFor = openAgents(environment, (error) => whileConnecting.add(error));

  return {
    async send(request, { deadline, bound }) {
      const expiry = new AbortController();
      const expired = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        expiry.abort();
        expired.reject();
      }, deadline);
      try {
        // undici heeds the signal only once there is a connection; the race is for the time before. Such a request never leaves.
        const sent = exchange(agentFor(request.tls), gates, request, bound, expiry.signal);
        return await Promise.race([sent, expired.promise]);
      } catch (error) {
        return transportFailure(error, {
          host: URL.parse(request.url)?.host ?? 'an address that is none',
          deadline,
          bound,
          expired: expiry.signal.aborted,
          secure: request.url.startsWith('https:'),
          connected: !(error instanceof Error && whileConnecting.has(error)),
        });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function exchange(
  agent: Dispatcher,
  gates: Gates,
  request: WireRequest,
  bound: number,
  signal: AbortSignal,
): Promise<WireReply> {
  const { statusCode, headers, body } = await dispatch(request.url, {
    dispatcher: agent,
    method: request.method,
    headers: { ...DEFAULT_HEADERS, ...lowerCased(request.headers) },
    body: request.body ?? null,
    signal,
    // The deadline is the only clock: undici's own two would end a long answer at their defaults.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const read = await readBody(body, bound, gates.reading);
  return decoded({ status: statusCode, headers: joined(headers), body: read }, bound, gates.decompressing);
}

async function decoded(reply: WireReply, bound: number, gate: Gate): Promise<WireReply> {
  const { 'content-encoding': encoding = '', 'content-length': _length, ...headers } = reply.headers;
  const decompress = decompressorOf(encoding);
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

const joined = (headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? []].flat().join(', ')]));
