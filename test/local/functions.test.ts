import assert from 'node:assert/strict';
import { devNull } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import type { Embedded } from '../../lib/local/embedded.ts';
import { HOST_VARIABLES } from '../../lib/local/runtime-environment.ts';
import { type SmallStack, startSmall } from './small-stack.ts';
import { until } from './until.ts';
import { collectLogs } from './worker.ts';

const WORK = 'export const handler = async () => {};';
const start = (t: TestContext, housekeeping: string, stack: Partial<SmallStack> = {}, logs = collectLogs()) =>
  startSmall(t, { work: WORK, housekeeping, ...stack }, logs);
const invoke = (stack: Embedded, event: unknown = {}) => stack.invoke('housekeeping', 'api', event);

/** Several at once: most of their time is waiting for timeouts. */
/** What a function keeps of the host: its way into the world. */
const REACHING_OUT: ReadonlySet<string> = new Set(HOST_VARIABLES);

describe('a function', { concurrency: 4 }, () => {
  it('gets the event and gives its result, both as JSON', async (t) => {
    const stack = await start(
      t,
      'export const handler = async (event) => ({ event, date: new Date(0), none: undefined });',
    );
    assert.deepEqual(await invoke(stack, { a: [1] }), { event: { a: [1] }, date: '1970-01-01T00:00:00.000Z' });
    const silent = await start(t, 'export const handler = () => {};');
    assert.equal(await invoke(silent), null);
  });

  it('sees its own environment and nothing of the host’s', async (t) => {
    process.env.HEADGATE_TEST_LEAK = 'leaked';
    t.after(() => delete process.env.HEADGATE_TEST_LEAK);
    const stack = await start(t, 'export const handler = () => process.env;');
    const endpoint = stack.endpoint;
    const told = Object.entries<unknown>(Object(await invoke(stack))).filter(([name]) => !REACHING_OUT.has(name));
    const { AWS_ACCESS_KEY_ID, ...environment } = Object.fromEntries(told);
    assert.match(String(AWS_ACCESS_KEY_ID), /^[\w-]{16,}$/);
    assert.deepEqual(environment, {
      ...stack.environment('housekeeping', 'api'),
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_SECRET_ACCESS_KEY: 'embedded',
      AWS_LAMBDA_FUNCTION_NAME: 'small-api-Housekeeping',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
      AWS_ENDPOINT_URL_SQS: endpoint,
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
    });
  });

  it('is told about the invocation', async (t) => {
    const stack = await start(
      t,
      'export const handler = (event, context) => ({ ...context, left: context.getRemainingTimeInMillis() });',
      { timeout: 20 },
    );
    const first = Object(await invoke(stack));
    const second = Object(await invoke(stack));
    assert.notEqual(first.awsRequestId, second.awsRequestId);
    assert.ok(first.left > 15_000 && first.left <= 20_000, `${first.left}`);
    assert.partialDeepStrictEqual(first, {
      functionName: 'small-api-Housekeeping',
      memoryLimitInMB: '128',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:small-api-Housekeeping',
    });
  });

  it('keeps its module state until its process dies', async (t) => {
    const stack = await start(
      t,
      'let count = 0; export const handler = ({ die }) => { if (die) process.exit(1); count += 1; return count; };',
    );
    assert.deepEqual([await invoke(stack), await invoke(stack)], [1, 2]);
    await assert.rejects(invoke(stack, { die: true }), { message: 'The process ended with exit code 1.' });
    assert.equal(await invoke(stack), 1);
  });

  it('keeps its process when it throws', async (t) => {
    const logs = collectLogs();
    const stack = await start(
      t,
      `let count = 0; export const handler = async () => { count += 1; throw new RangeError('no ' + count); };`,
      {},
      logs,
    );
    await assert.rejects(invoke(stack), { name: 'RangeError', message: 'no 1', stack: /housekeeping\.mjs/ });
    await assert.rejects(invoke(stack), { message: 'no 2' });
    assert.deepEqual(logs.errors(), ['no 1', 'no 2']);
  });

  it('runs one invocation at a time in one process', async (t) => {
    const stack = await start(
      t,
      `let running = 0;
       export const handler = async () => {
         running += 1;
         await new Promise(setImmediate);
         return running--;
       };`,
    );
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => invoke(stack))), [1, 1, 1]);
  });

  const failures: readonly [title: string, module: string, error: object][] = [
    ['a result that is no JSON', 'export const handler = () => 1n;', { name: 'TypeError' }],
    [
      'a module that throws',
      `throw new SyntaxError('odd'); export const handler = 1;`,
      { name: 'SyntaxError', message: 'odd' },
    ],
    [
      'a module without the handler',
      'export const other = 1;',
      { name: 'TypeError', message: /exports no function "handler"/ },
    ],
    ['an endless loop', 'export const handler = () => { for (;;); };', { message: 'Task timed out after 1 seconds.' }],
  ];
  for (const [title, module, error] of failures) {
    it(`fails by ${title}, again and again`, async (t) => {
      const stack = await start(t, module, { timeout: 1 });
      await assert.rejects(invoke(stack), error);
      await assert.rejects(invoke(stack), error);
    });
  }

  it('is heard line by line', async (t) => {
    const logs = collectLogs();
    const stack = await start(
      t,
      `export const handler = () => {
         process.stdout.write('one\\ntw');
         process.stdout.write('o\\n{"a":1}\\n{broken\\n[1]\\n');
         console.error('three');
       };`,
      {},
      logs,
    );
    await invoke(stack);
    await until(() => logs.lines.length === 6);
    const sorted = logs.lines.map(({ text, json }) => [text, json]).sort();
    assert.deepEqual(sorted, [
      ['[1]', undefined],
      ['one', undefined],
      ['three', undefined],
      ['two', undefined],
      ['{"a":1}', { a: 1 }],
      ['{broken', undefined],
    ]);
    assert.ok(logs.lines.every((line) => line.function === 'small-api-Housekeeping'));
  });
});
