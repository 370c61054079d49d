import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudFormationClient, ListStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Embedded } from '../../lib/local/embedded.ts';
import { startSmall } from './small-stack.ts';

const clientOf = ({ endpoint, credentials }: Embedded) => ({
  endpoint,
  region: 'us-east-1',
  credentials,
  maxAttempts: 1,
});
const WORK = 'export const handler = async () => {};';

test('CloudFormation tells what belongs to a stack, and by which names it goes', async (t) => {
  const stack = await startSmall(t, { work: WORK });
  const client = new CloudFormationClient(clientOf(stack));
  const { StackResourceSummaries = [] } = await client.send(new ListStackResourcesCommand({ StackName: 'small-api' }));
  const names = Object.fromEntries(
    StackResourceSummaries.map(({ LogicalResourceId: id, PhysicalResourceId: name }) => [id, name]),
  );
  assert.equal(names.Queue, stack.environment('work', 'api').QUEUE_URL);
  assert.equal(names.Work, 'small-api-Work');
  await assert.rejects(client.send(new ListStackResourcesCommand({ StackName: 'other' })), {
    message: 'Stack with id other does not exist',
  });
});

test('Lambda tells what a function is told, and calls housekeeping', async (t) => {
  const housekeeping = `export const handler = ({ fail, ...event }) => { if (fail) throw new Error('dirty'); return event; };`;
  const stack = await startSmall(t, { work: WORK, housekeeping });
  const client = new LambdaClient(clientOf(stack));
  const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'small-api-Work' }));
  assert.deepEqual(Environment?.Variables, stack.environment('work', 'api'));

  const invoke = async (FunctionName: string, event: object) => {
    const { FunctionError, Payload } = await client.send(
      new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
    );
    return { FunctionError, payload: JSON.parse(Payload?.transformToString() ?? 'null') };
  };
  assert.deepEqual(await invoke('small-api-Housekeeping', { a: 1 }), { FunctionError: undefined, payload: { a: 1 } });
  assert.partialDeepStrictEqual(await invoke('small-api-Housekeeping', { fail: true }), {
    FunctionError: 'Unhandled',
    payload: { errorMessage: 'dirty' },
  });
  await assert.rejects(invoke('small-api-Work', {}), { name: 'NotImplemented' });
  await assert.rejects(invoke('small-api-Nothing', {}), { name: 'ResourceNotFoundException' });
});
