import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectors } from '../../lib/connectors/index.ts';
import { environmentSchema } from '../../lib/core/environment.ts';
import { buildApp } from '../../lib/infra/app.ts';
import { stages } from '../../lib/infra/stage.ts';
import { readAssembly } from '../../lib/local/assembly.ts';
import { planRun } from '../../lib/local/plan.ts';
import { wire } from '../../lib/local/wiring.ts';
import { newFolder, type SmallStack, writeAssembly } from './small-stack.ts';

const ENDPOINT = 'http://127.0.0.1:1234';
const WORK = 'export const handler = async () => {};';
const plan = (stack: Partial<SmallStack> = {}) =>
  planRun(readAssembly(writeAssembly({ work: WORK, ...stack })), ENDPOINT);

describe('planRun', () => {
  it('resolves what the functions are told', () => {
    const { functions, tables } = plan();
    const work = functions.find(({ name }) => name === 'small-api-Work');
    assert.deepEqual(work?.environment, {
      CONNECTOR: 'api',
      TABLE: 'small-state-Table',
      QUEUE_URL: `${ENDPOINT}/000000000000/small-api-Queue`,
      FAILURES_QUEUE_URL: `${ENDPOINT}/000000000000/small-api-Failures`,
    });
    assert.match(work.file, /^file:.*\/asset\.code\/work\.mjs$/);
    assert.equal(work.handler, 'handler');
    assert.equal(tables[0]?.TableName, 'small-state-Table');
  });

  it('follows the real templates of every connector', () => {
    const all = Object.values(connectors);
    const outdir = newFolder();
    buildApp({ stages: [stages.prod], connectors: all, outdir, validate: false }).synth();
    const { work, housekeeping, schedules } = wire(planRun(readAssembly(outdir), ENDPOINT));
    const names = all.map(({ connector }) => connector.name).sort();
    assert.deepEqual([...work.keys()].sort(), names);
    assert.deepEqual([...housekeeping.keys()].sort(), names);
    for (const { environment } of [...work.values(), ...housekeeping.values()]) environmentSchema.parse(environment);
    const streams = all.flatMap(({ connector }) => Object.keys(connector.streams));
    assert.equal(schedules.filter(({ target }) => 'queue' in target).length, streams.length);
  });

  it('finds which function works and which one keeps house', () => {
    const { work, housekeeping, schedules } = wire(plan());
    assert.equal(work.get('api')?.name, 'small-api-Work');
    assert.equal(housekeeping.get('api')?.name, 'small-api-Housekeeping');
    assert.deepEqual(
      schedules.map(({ id, connector }) => [id, connector]),
      [
        ['small-api/Tick', 'api'],
        ['small-api/Cleaning', 'api'],
      ],
    );
  });

  const refusals: readonly [title: string, resources: Readonly<Record<string, object>>, message: RegExp][] = [
    [
      'a type it does not know',
      { Stream: { Type: 'AWS::Kinesis::Stream' } },
      /^small-api\/Stream \(AWS::Kinesis::Stream\): the embedded run does not know this type\.$/,
    ],
    [
      'an intrinsic it does not know',
      { Other: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: { 'Fn::If': ['a', 1, 2] } } } },
      /^small-api\/Other \(AWS::SQS::Queue\): the embedded run does not know the intrinsic function Fn::If\.$/,
    ],
    [
      'an attribute it does not know',
      { Other: { Type: 'AWS::SQS::Queue', Properties: { DelaySeconds: { 'Fn::GetAtt': ['Work', 'Version'] } } } },
      /does not know the attribute Version of Work\.$/,
    ],
    [
      'a reference to what it skips',
      {
        Logs: { Type: 'AWS::Logs::LogGroup' },
        Other: { Type: 'AWS::SQS::Queue', Properties: { DelaySeconds: { Ref: 'Logs' } } },
      },
      /has no name for Logs \(AWS::Logs::LogGroup\)\.$/,
    ],
    ['a condition', { Other: { Type: 'AWS::SQS::Queue', Condition: 'Sometimes' } }, /does not know conditions\.$/],
    ['a second bucket', { Other: { Type: 'AWS::S3::Bucket' } }, /^The embedded run keeps one bucket/],
    [
      'a FIFO queue',
      { Other: { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } } },
      /does not know this property/,
    ],
    [
      'a function that is not in its asset',
      { Work: { Type: 'AWS::Lambda::Function', Properties: { Code: { S3Key: 'code.zip' }, Handler: 'play.handler' } } },
      /there is no play\.mjs in /,
    ],
    [
      'an asset that is not there',
      { Work: { Type: 'AWS::Lambda::Function', Properties: { Code: { S3Key: 'x.zip' }, Handler: 'work.handler' } } },
      /holds no asset folder for x\.zip\.$/,
    ],
    [
      'an import that nobody exports',
      { Other: { Type: 'AWS::SQS::Queue', Properties: { DelaySeconds: { 'Fn::ImportValue': 'nothing' } } } },
      /no stack exports nothing\.$/,
    ],
    [
      'messages that are filtered away',
      {
        Mapping: {
          Type: 'AWS::Lambda::EventSourceMapping',
          Properties: { EventSourceArn: 'a', FunctionName: 'b', FilterCriteria: {} },
        },
      },
      /does not know this property/,
    ],
  ];
  for (const [title, resources, message] of refusals) {
    it(`refuses ${title}`, () => assert.throws(() => plan({ resources }), { message }));
  }

  it('refuses a folder without templates', () => {
    assert.throws(() => readAssembly(newFolder()), /There is no synthesized template in /);
  });

  it('refuses a schedule that starts nothing we run', () => {
    const Target = { Arn: 'arn:aws:sqs:us-east-1:000000000000:elsewhere' };
    const Tick = { Type: 'AWS::Scheduler::Schedule', Properties: { ScheduleExpression: 'rate(1 day)', Target } };
    assert.throws(
      () => wire(plan({ resources: { Tick } })),
      /small-api\/Tick starts .*elsewhere, and nothing works on that\.$/,
    );
  });
});
