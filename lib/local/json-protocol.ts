import * as z from 'zod';
import { type Answer, type Backend, type Call, ServiceError } from './service.ts';

/** What an operation does with its parsed input. */
export type Operation = (input: unknown, call: Call) => unknown;

/** An operation whose input is checked first. */
export function operation<S extends z.ZodType>(schema: S, run: (input: z.output<S>, call: Call) => unknown): Operation {
  return (input, call) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) throw new ServiceError('ValidationException', z.prettifyError(parsed.error));
    return run(parsed.data, call);
  };
}

/** A service that speaks AWS JSON: the operation in a header, input and output as JSON bodies, errors by `__type`. */
export function jsonBackend(version: '1.0' | '1.1', operations: Readonly<Record<string, Operation>>): Backend {
  const answer = (status: number, body: unknown): Answer => ({
    status,
    headers: { 'content-type': `application/x-amz-json-${version}` },
    body: JSON.stringify(body ?? {}),
  });
  return async (call) => {
    try {
      const run = Object.hasOwn(operations, call.operation) ? operations[call.operation] : undefined;
      if (!run) throw unknownOperation(call.operation);
      return answer(200, await run(parseBody(call.body), call));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return answer(error.status, { __type: error.code, message: error.message });
    }
  };
}

const unknownOperation = (name: string) =>
  new ServiceError('UnknownOperationException', `The embedded run does not know the operation ${name}.`);

function parseBody(body: Buffer): unknown {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    throw new ServiceError('SerializationException', 'The body is not JSON.');
  }
}
