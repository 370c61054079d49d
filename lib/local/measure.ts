import type { Metrics } from './metrics.ts';
import type { ProcessPool } from './process-pool.ts';
import type { Queue } from './queue.ts';
import type { Answer, Backend, Call } from './service.ts';

/** What AWS measures by itself of queues, functions and tables: as much of it as is watched. */

/** How many messages each queue holds right now. */
export function measureQueues(metrics: Metrics, queues: ReadonlyMap<string, Queue>): void {
  for (const queue of queues.values()) {
    const { visible, delayed } = queue.counts();
    const of = { QueueName: queue.name };
    metrics.add('AWS/SQS', 'ApproximateNumberOfMessagesVisible', of, visible);
    metrics.add('AWS/SQS', 'ApproximateNumberOfMessagesDelayed', of, delayed);
  }
}

/** A function whose invocations are measured: how long they take, and whether they fail. */
export const measuredFunction = (metrics: Metrics, name: string, pool: ProcessPool): ProcessPool => ({
  ...pool,
  async invoke(event) {
    const began = performance.now();
    const outcome = await pool.invoke(event);
    const of = { FunctionName: name };
    metrics.add('AWS/Lambda', 'Duration', of, performance.now() - began);
    metrics.add('AWS/Lambda', 'Errors', of, outcome.ok ? 0 : 1);
    return outcome;
  },
});

const WRITES: ReadonlySet<string> = new Set(['PutItem', 'UpdateItem', 'DeleteItem']);

/**
 * Tables whose writes are measured in write units: one for each begun KB of the item, as it is before or after, whichever is larger
 * (DynamoDB developer guide, "Write consumption"). What an index takes is not measured. Those calls that are to be throttled are.
 */
export const measuredTables =
  (metrics: Metrics, tables: Backend, throttle: (call: Call) => boolean = () => false): Backend =>
  async (call) => {
    const writes = WRITES.has(call.operation);
    const of = { TableName: tableOf(call) };
    if (throttle(call)) {
      metrics.add('AWS/DynamoDB', writes ? 'WriteThrottleEvents' : 'ReadThrottleEvents', of, 1);
      return THROTTLED;
    }
    if (!writes) return tables(call);
    const answer = await tables({ ...call, body: askingForUnits(call.body) });
    metrics.add('AWS/DynamoDB', 'ConsumedWriteCapacityUnits', of, unitsOf(answer));
    return answer;
  };

const ASK = Buffer.from('{"ReturnConsumedCapacity":"TOTAL",');

/** The SDK writes an object with at least a table's name. */
const askingForUnits = (body: Buffer): Buffer => Buffer.concat([ASK, body.subarray(1)]);

/** A write whose condition does not hold is charged, too; its answer does not say how much. */
const unitsOf = ({ body }: Answer): number =>
  Number(/"ConsumedCapacity":\{"CapacityUnits":(\d+)/.exec(body.toString())?.[1] ?? 1);

const THROTTLED = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify({
    __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
    message: 'The table is throttled.',
  }),
};

/** Without parsing the whole body: the SDK writes the name as plain JSON. */
const tableOf = ({ body }: Call): string => /"TableName":"([^"]+)"/.exec(body.toString('latin1'))?.[1] ?? '';
