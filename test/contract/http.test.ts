import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createRawServer, type Server, type Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { afterEach, describe, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { nodeHttp } from '../../lib/aws/http.ts';
import type { Http, TransportFailure, WireReply, WireRequest } from '../../lib/pipeline/ports.ts';
import { scriptedHttp } from '../memory/http.ts';
import { endpointOf } from './emulator.ts';
import { selfSigned } from './self-signed.ts';

const limits = { deadline: 10_000, bound: 1_000_000 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: Uint8Array): string => Buffer.from(body).toString();

function replied(answer: WireReply | TransportFailure): WireReply {
  if ('failed' in answer) assert.fail(`${answer.failed}: ${answer.message}`);
  return answer;
}

/** What every `Http` does. `make`: an API that always gives this reply; its URL, and the requests it saw. */
function httpContract(
  make: (reply: WireReply) => Promise<{ http: Http; url: string; seen: () => readonly WireRequest[] }>,
): void {
  for (const status of [200, 201, 302, 400, 404, 429, 500, 503]) {
    test(`a reply of status ${status} is a reply, with its headers and its body`, async () => {
      const headers = { 'content-type': 'application/json', location: '/elsewhere', 'retry-after': '3' };
      const { http, url, seen } = await make({ status, headers, body: bytes('{"a":"é"}') });
      const reply = replied(await http.send({ method: 'GET', url: `${url}/orders?page=1`, headers: {} }, limits));
      assert.equal(reply.status, status);
      for (const [name, value] of Object.entries(headers)) assert.equal(reply.headers[name], value);
      assert.equal(text(reply.body), '{"a":"é"}');
      assert.equal(seen().length, 1);
    });
  }

  test('a reply may have no body', async () => {
    const { http, url } = await make({ status: 204, headers: {}, body: new Uint8Array() });
    const reply = replied(await http.send({ method: 'GET', url, headers: {} }, limits));
    assert.deepEqual([reply.status, reply.body.length], [204, 0]);
  });

  test('a request leaves as it is', async () => {
    const { http, url, seen } = await make({ status: 200, headers: {}, body: bytes('{}') });
    const headers = { authorization: 'Bearer t', 'content-type': 'application/json', 'user-agent': 'mine/1' };
    const request: WireRequest = { method: 'POST', url: `${url}/search?a=b%20c&d=e+f`, headers, body: '{"q":"é"}' };
    await http.send(request, limits);
    const [arrived] = seen();
    assert.deepEqual([arrived?.method, arrived?.url, arrived?.body], [request.method, request.url, request.body]);
    for (const [name, value] of Object.entries(headers)) assert.equal(arrived?.headers[name], value);
  });

  test('a body of exactly the bound is read; one byte more is too large', async () => {
    const { http, url } = await make({ status: 200, headers: {}, body: bytes('x'.repeat(1_000)) });
    const request: WireRequest = { method: 'GET', url, headers: {} };
    assert.equal(replied(await http.send(request, { ...limits, bound: 1_000 })).body.length, 1_000);
    const answer = await http.send(request, { ...limits, bound: 999 });
    assert.equal('failed' in answer && answer.failed, 'too-large');
  });
}

describe('Http in memory', () =>
  httpContract(async (reply) => {
    const http = scriptedHttp(() => reply);
    return { http, url: 'https://api.example.com', seen: () => http.requests };
  }));

describe('Http by Node', () => {
  const http = nodeHttp();
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
    sockets.clear();
    servers.clear();
  });

  async function listen(server: Server): Promise<string> {
    servers.add(server);
    server.on('connection', (socket) => sockets.add(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return endpointOf(server);
  }
  const api = (listener: RequestListener): Promise<string> => listen(createServer(listener));
  /** An API that says whatever it wants to whoever has sent it a request. */
  const raw = (answer: (socket: Socket) => void): Promise<string> =>
    listen(createRawServer((socket) => socket.on('error', () => {}).once('data', () => answer(socket))));
  /** Every request holds something that no message may tell. */
  const get = (url: string, changed: Partial<typeof limits> = {}): ReturnType<Http['send']> =>
    http.send(
      { method: 'GET', url: `${url}?key=secret`, headers: { authorization: 'Bearer secret' } },
      { ...limits, ...changed },
    );

  httpContract(async ({ status, headers, body }) => {
    const seen: WireRequest[] = [];
    const url = await api(async (request, response) => {
      seen.push(await asSent(request, url));
      response.writeHead(status, headers).end(body);
    });
    return { http, url, seen: () => seen };
  });

  test('header names are lower case, and a repeated header is one', async () => {
    const url = await api((_, response) => {
      response.writeHead(200, ['X-Page', '1', 'LINK', '</a>; rel="next"', 'Link', '</b>; rel="last"']).end();
    });
    const { headers } = replied(await get(url));
    assert.deepEqual([headers['x-page'], headers.link], ['1', '</a>; rel="next", </b>; rel="last"']);
  });

  test('says who asks and which encodings are welcome, unless the request says it', async () => {
    const seen: unknown[] = [];
    const url = await api(({ headers }, response) => {
      seen.push([headers['user-agent'], headers['accept-encoding']]);
      response.end();
    });
    await get(url);
    await http.send({ method: 'GET', url, headers: { 'User-Agent': 'mine/1', 'Accept-Encoding': 'identity' } }, limits);
    assert.match(String(seen[0]), /^headgate\/\d+\.\d+\.\d+,gzip, br, deflate$/);
    assert.deepEqual(seen[1], ['mine/1', 'identity']);
  });

  test('a redirect is not followed', async () => {
    const paths: unknown[] = [];
    const url = await api(({ url: path }, response) => {
      paths.push(path);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    assert.equal(replied(await get(`${url}/orders`)).headers.location, '/elsewhere');
    assert.deepEqual(paths, ['/orders?key=secret']);
  });

  test('connections are used again', async () => {
    const clients = new Set<unknown>();
    const url = await api(({ socket }, response) => {
      clients.add(socket);
      response.end('{}');
    });
    for (let index = 0; index < 10; index++) replied(await get(url));
    // A connection is free a moment after its answer was read, so the next request may still open a second one.
    assert.ok(clients.size <= 2, `${clients.size} connections`);
  });

  test('a connection that is idle is closed before the API would, one in use is not', async () => {
    const closed = Promise.withResolvers<number>();
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/slow')) setTimeout(() => response.end('{}'), 5_000);
      else response.end('{}');
    });
    server.keepAliveTimeout = 60_000;
    const url = await listen(server);
    const slow = get(`${url}/slow`, { deadline: 20_000 });
    replied(await get(url));
    const idleSince = performance.now();
    for (const socket of sockets) socket.on('close', () => closed.resolve(performance.now() - idleSince));
    const idle = await closed.promise;
    assert.ok(idle > 3_000 && idle < 5_000, `closed after ${idle} ms`);
    assert.equal(replied(await slow).status, 200);
  });

  test('100 requests are under way at once', async () => {
    const waiting: ServerResponse[] = [];
    const url = await api((_, response) => {
      if (waiting.push(response) < 100) return;
      for (const one of waiting) one.end('{}');
    });
    const answers = await Promise.all(Array.from({ length: 100 }, () => get(url)));
    assert.equal(answers.filter((answer) => replied(answer).status === 200).length, 100);
  });

  test('a request that waited for a connection until its deadline never leaves', async () => {
    const connections = 128;
    const paths: unknown[] = [];
    const held: ServerResponse[] = [];
    const full = Promise.withResolvers<void>();
    const url = await api(({ url: path }, response) => {
      if (paths.push(path) > connections) response.end('{}');
      else if (held.push(response) === connections) full.resolve();
    });
    const busy = Array.from({ length: connections }, () => get(url));
    await full.promise;
    assert.equal(await failure(get(`${url}/late`, { deadline: 50 })), 'timeout');
    for (const response of held) response.end('{}');
    await Promise.all(busy);
    replied(await get(`${url}/next`));
    assert.deepEqual(paths.slice(connections), ['/next?key=secret']);
  });

  describe('a compressed body', () => {
    const body = JSON.stringify({ records: Array.from({ length: 500 }, (_, id) => ({ id, name: 'é' })) });
    const encodings = [
      { encoding: 'gzip', by: gzipSync },
      { encoding: 'x-gzip', by: gzipSync },
      { encoding: 'GZIP', by: gzipSync },
      { encoding: 'br', by: brotliCompressSync },
      { encoding: 'deflate', by: deflateSync },
      { encoding: 'deflate', form: 'without the zlib frame', by: deflateRawSync },
    ];
    for (const { encoding, form = '', by } of encodings) {
      test(`${encoding} ${form} is undone, with the headers that spoke of it`, async () => {
        const compressed = by(body);
        const url = await raw((socket) => {
          socket.write(
            `HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${compressed.length}\r\n\r\n`,
          );
          socket.write(compressed);
        });
        const reply = replied(await get(url));
        assert.equal(text(reply.body), body);
        assert.deepEqual(reply.headers, {});
      });
    }

    const served = (encoding: string, sent: Uint8Array, status = 200): Promise<string> =>
      api((_, response) => response.writeHead(status, { 'content-encoding': encoding }).end(sent));

    test('of an unknown encoding is handed out as it came', async () => {
      const reply = replied(await get(await served('compress', bytes('whatever'))));
      assert.deepEqual([reply.headers['content-encoding'], text(reply.body)], ['compress', 'whatever']);
    });

    test('of a file that is stored compressed, and is served as what it is, is undone', async () => {
      const url = await api((_, response) =>
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(gzipSync(body)),
      );
      assert.equal(text(replied(await get(url)).body), body);
    });

    test('that is empty is empty', async () => {
      assert.equal(replied(await get(await served('gzip', new Uint8Array()))).body.length, 0);
    });

    test('that fits the bound exactly fits; one byte more does not', async () => {
      const url = await served('gzip', gzipSync(body));
      const size = Buffer.byteLength(body);
      assert.equal(replied(await get(url, { bound: size })).body.length, size);
      assert.equal(await failure(get(url, { bound: size - 1 })), 'too-large');
    });

    test('that is a bomb stops at the bound', async () => {
      const bomb = gzipSync(Buffer.alloc(200_000_000));
      assert.ok(bomb.length < limits.bound);
      assert.equal(await failure(get(await served('gzip', bomb))), 'too-large');
    });

    test('that is cut off is broken', async () => {
      assert.equal(await failure(get(await served('gzip', gzipSync(body).subarray(0, -10)))), 'broken');
      assert.equal(await failure(get(await served('br', brotliCompressSync(body).subarray(0, -10)))), 'broken');
    });

    test('that is none is broken', async () => {
      assert.equal(await failure(get(await served('gzip', bytes('{"a":1}')))), 'broken');
    });
  });

  describe('timeout', () => {
    const deadline = 150;
    const timesOut = async (url: string): Promise<void> => {
      const start = performance.now();
      assert.equal(await failure(get(url, { deadline })), 'timeout');
      const took = performance.now() - start;
      assert.ok(took >= deadline - 5 && took < 20 * deadline, `after ${took} ms`);
    };

    test('an API that says nothing', async () => timesOut(await raw(() => {})));

    test('headers that never end', async () => {
      const url = await raw((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        dribble(socket, 'x-one-more: 1\r\n');
      });
      await timesOut(url);
    });

    test('a body that never ends, byte by byte', async () => {
      const url = await raw((socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
        dribble(socket, 'x');
      });
      await timesOut(url);
    });

    test('a TLS handshake that never ends', async () => {
      const url = await listen(createRawServer());
      await timesOut(url.replace('http:', 'https:'));
    });

    test('a deadline that has passed already', async () => {
      assert.equal(await failure(get(await raw(() => {}), { deadline: 0 })), 'timeout');
    });
  });

  describe('broken', () => {
    const answers: Readonly<Record<string, (socket: Socket) => void>> = {
      'no answer at all': (socket) => socket.end(),
      'no HTTP': (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
      'headers that are cut off': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-ty'),
      'a connection that is reset within the body': (socket) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"records":[', () => socket.resetAndDestroy()),
      'a body shorter than its content-length': (socket) =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"records":[]}'),
      'chunks without the last one': (socket) =>
        socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\n{"records":[]\r\n'),
    };
    for (const [what, answer] of Object.entries(answers)) {
      test(what, async () => assert.equal(await failure(get(await raw(answer))), 'broken'));
    }
  });

  test('a body longer than its content-length ends there, and does not leak into the next answer', async () => {
    const url = await raw((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 500 No\r\n\r\n'),
    );
    assert.equal(text(replied(await get(url)).body), '{}');
    assert.equal(text(replied(await get(url)).body), '{}');
  });

  test('a body without end stops at the bound, and so does the API', async () => {
    const stopped = Promise.withResolvers<void>();
    const url = await api((_, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const pour = (): void => {
        while (response.write(chunk));
      };
      response.on('drain', pour).on('close', stopped.resolve);
      pour();
    });
    assert.equal(await failure(get(url)), 'too-large');
    await stopped.promise;
  });

  describe('unreachable', () => {
    test('a port that nobody listens on', async () => {
      const server = createRawServer();
      const url = await listen(server);
      server.close();
      await once(server, 'close');
      assert.equal(await failure(get(url)), 'unreachable');
    });

    test('a name that does not resolve', async () => {
      // Longer than a label can be, so that no name server is asked.
      assert.equal(await failure(get(`http://${'x'.repeat(64)}.invalid/`)), 'unreachable');
    });

    test('a certificate that nobody trusts', async () => {
      const url = await listen(createSecureServer(selfSigned, (_, response) => response.end()));
      assert.equal(await failure(get(url.replace('http:', 'https:'))), 'untrusted');
    });

    const guarded = { ...selfSigned, requestCert: true, rejectUnauthorized: true, ca: selfSigned.cert };
    const secure = async (): Promise<string> =>
      (await listen(createSecureServer(guarded, (_, response) => response.end('{}')))).replace('http:', 'https:');
    const show = (url: string, tls: WireRequest['tls']) => http.send({ method: 'GET', url, headers: {}, tls }, limits);
    const { cert, key } = selfSigned;

    test('a client certificate is shown, and a private authority trusted, for its connection alone', async () => {
      const url = await secure();
      assert.equal(replied(await show(url, { ca: cert, cert, key })).status, 200);
      assert.equal(await failure(show(url, undefined)), 'untrusted');
    });

    test('a client certificate that the API wants and does not get', async () => {
      const answer = await show(await secure(), { ca: cert });
      assert.ok('failed' in answer && answer.failed === 'untrusted', JSON.stringify(answer));
      assert.match(answer.message, /wants a client certificate/);
    });

    test('an API that closes instead of taking a connection without a certificate', async () => {
      const { cert, key } = selfSigned;
      const server = createSecureServer({ cert, key });
      server.on('secureConnection', (socket) => socket.destroy());
      const answer = await show((await listen(server)).replace('http:', 'https:'), { ca: cert });
      assert.ok('failed' in answer && answer.failed === 'broken', JSON.stringify(answer));
      assert.match(answer.message, /want a client certificate/);
    });

    test('a proxy is used where the environment names one, and not for this machine', async () => {
      const asked: string[] = [];
      const proxy = createServer((request, response) => {
        asked.push(`${request.method} ${request.url}`);
        response.end('{}');
      });
      proxy.on('connect', (request, socket) => {
        asked.push(`CONNECT ${request.url}`);
        socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      });
      const url = await listen(proxy);
      const proxied = nodeHttp({ HTTP_PROXY: url, https_proxy: url, NO_PROXY: 'direct.invalid' });
      await proxied.send({ method: 'GET', url: 'http://api.invalid/rows', headers: {} }, limits);
      await proxied.send({ method: 'GET', url: 'https://api.invalid/rows', headers: {} }, limits);
      await proxied.send({ method: 'GET', url: 'http://direct.invalid/rows', headers: {} }, limits);
      const local = await listen(createServer((_, response) => response.end('{}')));
      assert.equal(replied(await proxied.send({ method: 'GET', url: local, headers: {} }, limits)).status, 200);
      assert.deepEqual(asked, ['GET http://api.invalid/rows', 'CONNECT api.invalid:443']);
    });

    test('a client certificate that cannot be read', async () => {
      const broken = key.replace(/^M/m, 'X');
      const answer = await show(await secure(), { ca: cert, cert, key: broken });
      assert.ok('failed' in answer && answer.failed === 'untrusted', JSON.stringify(answer));
      assert.match(answer.message, /"tls" cannot be read/);
    });

    test('TLS with an API that has none', async () => {
      const url = await api((_, response) => response.end());
      assert.equal(await failure(get(url.replace('http:', 'https:'))), 'unreachable');
    });

    for (const url of ['', 'orders', 'ftp://127.0.0.1/orders', 'http://']) {
      test(`the address ${JSON.stringify(url)}`, async () => assert.equal(await failure(get(url)), 'unreachable'));
    }

    test('a header that cannot be sent', async () => {
      const url = await api((_, response) => response.end());
      const headers = { authorization: 'Bearer secret\r\nx-injected: 1' };
      assert.equal(await failure(http.send({ method: 'GET', url, headers }, limits)), 'unreachable');
    });
  });
});

/** How a request failed. Checks its sentence: one, and without what may be secret. */
async function failure(answer: ReturnType<Http['send']>): Promise<TransportFailure['failed']> {
  const settled = await answer;
  if (!('failed' in settled)) return assert.fail(`a reply of status ${settled.status}`);
  // Half a sentence: it stands behind a "why:".
  assert.match(settled.message, /^[a-z][^\n]*[^.]$/);
  assert.doesNotMatch(settled.message, /secret/);
  return settled.failed;
}

/** The request that an API at this address got. */
async function asSent(request: IncomingMessage, address: string): Promise<WireRequest> {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const method = request.method === 'POST' ? 'POST' : 'GET';
  return { method, url: `${address}${request.url}`, headers, body: await readText(request) };
}

/** Sends a piece every few milliseconds until nobody listens any more. */
function dribble(socket: Socket, piece: string): void {
  const timer = setInterval(() => socket.write(piece), 10);
  socket.on('close', () => clearInterval(timer));
}
