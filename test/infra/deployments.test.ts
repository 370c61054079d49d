import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { App, type Stack } from 'aws-cdk-lib/core';
import * as z from 'zod';
import { authorizationCode, bearer, type Connector } from '../../lib/core/connector/connector.ts';
import { DashboardStack } from '../../lib/infra/dashboard-stack.ts';
import { type Stage, stages } from '../../lib/infra/stage.ts';
import erp, { connectorOf } from './erp.ts';
import { stacksWith } from './example.ts';

/** What a deployment changes; each is deployed over each other one. */
const KEY = 'arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000';
const by = (auth: Connector['auth']): Connector => ({ ...erp, auth });
const consent = by(
  authorizationCode({
    authorizeUrl: 'https://erp.example/authorize',
    tokenUrl: 'https://erp.example/token',
    scopes: ['read'],
  }),
);
const other = connectorOf('crm', { people: '1 hour' });
const configurations: Readonly<Record<string, readonly [stage: Partial<Stage>, connectors: readonly Connector[]]>> = {
  plain: [{}, [erp]],
  'schedules off': [{ schedules: false }, [erp]],
  'another connector': [{}, [erp, other]],
  'that one alone': [{}, [other]],
  'a bearer token': [{}, [by(bearer())]],
  'a person consents': [{}, [consent]],
  'alarms by mail': [{ alarms: { email: 'oncall@example.com' } }, [erp]],
  'a key of your own': [{ encryptionKey: KEY }, [erp, consent].slice(1)],
  'tables are loaded': [{ load: {} }, [erp, other]],
  'nothing retained': [{ retain: false }, [erp]],
};

const template = z.looseObject({
  Outputs: z.record(z.string(), z.object({ Export: z.object({ Name: z.string() }).optional() })).default({}),
});

/** What CloudFormation knows of a stack: its outputs, what it exports, what it reads of others. */
type Deployed = {
  readonly outputs: ReadonlySet<string>;
  readonly exports: ReadonlySet<string>;
  readonly imports: ReadonlySet<string>;
  readonly reads: readonly (readonly [stack: string, output: string])[];
};

function deployedOf(stack: Stack): Deployed {
  const json = Template.fromStack(stack).toJSON();
  const { Outputs } = template.parse(json);
  const imports = new Set<string>();
  const reads: [string, string][] = [];
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('Fn::ImportValue' in value) imports.add(String(value['Fn::ImportValue']));
    if ('Fn::GetStackOutput' in value) {
      const { StackName, OutputName } = z
        .object({ StackName: z.string(), OutputName: z.string() })
        .parse(value['Fn::GetStackOutput']);
      reads.push([StackName, OutputName]);
    }
    for (const each of Object.values(value)) look(each);
  };
  look(json);
  const exports = new Set(Object.values(Outputs).flatMap(({ Export }) => Export?.Name ?? []));
  return { outputs: new Set(Object.keys(Outputs)), exports, imports, reads };
}

/** The stacks of a configuration in the order in which they are deployed. */
function stacksOf(name: string): Map<string, Deployed> {
  const [settings, connectors] = configurations[name] ?? assert.fail(name);
  const { state, stacks } = stacksWith({ ...stages.prod, ...settings }, connectors);
  const app = App.of(state);
  assert.ok(app instanceof App);
  const dashboard = new DashboardStack(app, 'prod-dashboard', { stage: stages.prod, state, connectors: stacks });
  return new Map([state, ...stacks, dashboard].map((stack) => [stack.stackName, deployedOf(stack)]));
}

const all = new Map(Object.keys(configurations).map((name) => [name, stacksOf(name)]));

for (const [before, earlier] of all)
  for (const [after, later] of all)
    test(`${before} → ${after}: no stack drops what another one still holds, or reads what is not there`, () => {
      const there = new Map(earlier);
      for (const [name, stack] of later) {
        const held = [...there].filter(([other]) => other !== name).flatMap(([, { imports }]) => [...imports]);
        const dropped = [...(there.get(name)?.exports ?? [])].filter((each) => !stack.exports.has(each));
        assert.deepEqual(
          dropped.filter((each) => held.includes(each)),
          [],
          `${name} drops exports in use`,
        );
        there.set(name, stack);
        for (const [owner, output] of stack.reads)
          assert.ok(there.get(owner)?.outputs.has(output), `${name} reads ${output} of ${owner}`);
      }
    });

test('the outputs that people look for are there, whatever is configured', () => {
  for (const stacks of all.values()) {
    assert.ok(stacks.get('prod-state')?.outputs.has('BucketName'));
    assert.ok(stacks.get('prod-dashboard')?.outputs.has('DashboardName'));
    for (const [name, { outputs }] of stacks)
      if (!['prod-state', 'prod-dashboard'].includes(name))
        assert.ok(outputs.has('TasksQueueUrl') && outputs.has('FailuresQueueUrl'), name);
  }
});
