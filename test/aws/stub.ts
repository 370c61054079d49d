import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { endpointOf } from '../contract/emulator.ts';

/** A call of a service that speaks AWS's JSON protocol: `PutEvents`, and its input. */
export type Call = { readonly operation: string; readonly input: unknown };
export type Answer = { readonly status: number; readonly body: object };

export type Stub = { readonly endpoint: string; readonly calls: readonly Call[]; stop(): void };

/** An AWS service that is a function, on 127.0.0.1: for what an emulator never answers. */
export async function startStub(answer: (call: Call) => Answer): Promise<Stub> {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const [, operation = ''] = String(request.headers['x-amz-target']).split('.');
    const call = { operation, input: await json(request) };
    calls.push(call);
    const { status, body } = answer(call);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    endpoint: endpointOf(server),
    calls,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
