import { enableCompileCache } from 'node:module';
import type { FromProcess, FunctionError, Invocation, ProcessData } from './function-process.ts';

/**
 * What runs inside a process: the handler of one function, as Lambda's runtime runs it. The bundle is imported
 * once, and its module state lives on from one invocation to the next.
 */
const data: ProcessData = JSON.parse(process.argv[2] ?? '');
const send = (message: FromProcess) => process.send?.(message);

// The same bundle is imported run after run.
enableCompileCache();

// The stack ends its processes: an interrupt from the terminal reaches all of them at once.
process.on('SIGINT', () => {});
// A stack that was killed leaves no process.
process.on('disconnect', () => process.exit());

const describe = (error: unknown): FunctionError =>
  error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack ?? '' }
    : { name: 'Error', message: String(error), stack: '' };

// As Lambda's runtime tells it: what nothing catches is the last that is heard of this process.
process.on('uncaughtException', (error) => {
  process.send?.({ kind: 'broken', error: describe(error) } satisfies FromProcess, () => process.exit(1));
});

async function loadHandler(): Promise<(event: unknown, context: object) => unknown> {
  const module = await import(data.file);
  const handler: unknown = module[data.handler] ?? module.default?.[data.handler];
  if (typeof handler !== 'function') throw new TypeError(`${data.file} exports no function "${data.handler}".`);
  return (event, context) => handler(event, context);
}

const contextOf = ({ requestId, deadline }: Invocation) => ({
  awsRequestId: requestId,
  functionName: data.name,
  functionVersion: '$LATEST',
  invokedFunctionArn: data.arn,
  memoryLimitInMB: String(data.memory),
  logGroupName: `/aws/lambda/${data.name}`,
  logStreamName: 'embedded',
  callbackWaitsForEmptyEventLoop: false,
  getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
});

try {
  const handler = await loadHandler();
  process.on('message', async (invocation: Invocation) => {
    try {
      const result = await handler(JSON.parse(invocation.event), contextOf(invocation));
      send({ kind: 'result', result: JSON.stringify(result) ?? 'null' });
    } catch (error) {
      send({ kind: 'error', error: describe(error) });
    }
  });
  send({ kind: 'ready' });
} catch (error) {
  send({ kind: 'broken', error: describe(error) });
}
