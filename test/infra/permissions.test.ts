import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { stages } from '../../lib/infra/stage.ts';
import { stacksOf } from './example.ts';
import { resourcesOf, textOf } from './resources.ts';

const { state, connector } = stacksOf(stages.prod);
const resources = Object.entries({ ...resourcesOf(state), ...resourcesOf(connector) });

const list = <S extends z.ZodType>(item: S) => z.union([z.array(item), item.transform((one) => [one])]);
const statement = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: list(z.string()),
  NotAction: z.never().optional(),
  Resource: z.preprocess((value = []) => [value].flat().map(textOf), z.array(z.string())).default([]),
  NotResource: z.never().optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
type Statement = z.output<typeof statement>;

/** Every statement of every policy document, at whatever depth of whichever resource it stands. */
function statementsIn(value: unknown): Statement[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'Statement' in value ? list(statement).parse(value.Statement) : [];
  return [...own, ...Object.values(value).flatMap(statementsIn)];
}
const allowed = resources.flatMap(([id, { Properties }]) =>
  statementsIn(Properties)
    .filter(({ Effect }) => Effect === 'Allow')
    .map((found) => ({ id, ...found })),
);
const about = (service: string) =>
  allowed.filter(({ Action }) => Action.some((name) => name.startsWith(`${service}:`)));

test('no permission is for a whole family of actions', () => {
  assert.ok(allowed.length > 10, 'statements were found');
  for (const { id, Action } of allowed) assert.deepEqual([id, Action.filter((name) => name.includes('*'))], [id, []]);
});

test('a wildcard in a resource stands only behind the name of the connector', () => {
  const wide = allowed.flatMap(({ Resource }) => Resource).filter((text) => text.includes('*'));
  assert.ok(wide.length > 0);
  for (const text of wide) assert.match(text, /[:/]erp\/\*$/);
});

test('every permission names a resource, but for the trust in the services that assume a role', () => {
  const open = allowed.filter(({ Resource }) => Resource.length === 0);
  assert.deepEqual(new Set(open.flatMap(({ Action }) => Action)), new Set(['sts:AssumeRole']));
});

test('no role has a policy from elsewhere', () => {
  const borrowed = resources.filter(([, { Properties }]) => 'ManagedPolicyArns' in Properties);
  assert.deepEqual(borrowed, []);
});

test('a connector reaches the items under its own keys only', () => {
  const own = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['erp'] } };
  const below = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['erp/*'] } };
  const conditions = about('dynamodb').map(({ Resource, Condition }) => [Resource.map(tableOf), Condition]);
  const each = [
    [['Syncs'], below],
    [['Syncs/index/live'], own],
    [['Syncs/index/fresh'], below],
    [['Connections'], own],
    [['RateLimits'], below],
  ];
  assert.deepEqual(conditions, [...each, ...each], 'for the worker and for housekeeping');
});

/** The table that an imported ARN is of, and the rest of the ARN: without the ids that CDK adds. */
const tableOf = (text: string) => text.replace(/^.*GetAtt([A-Z][A-Za-z]+?)[0-9A-F]{8}Arn[0-9A-F]{8}/, '$1');

test('a connector reads its own secrets only', () => {
  for (const { Resource } of about('secretsmanager')) {
    assert.ok(Resource.every((text) => text.endsWith(':secret:headgate/prod/erp/*')));
  }
  assert.equal(about('secretsmanager').length, 2);
});

test('only the worker takes tasks, and it may do all that Lambda does with them in its name', () => {
  const takers = about('sqs').filter(({ Action }) => Action.includes('sqs:ReceiveMessage'));
  assert.deepEqual(
    takers.map(({ id, Resource }) => [id.slice(0, 8), Resource.map((text) => text.slice(0, 5))]),
    [['WorkRole', ['Queue']]],
  );
  for (const name of ['sqs:DeleteMessage', 'sqs:GetQueueAttributes']) assert.ok(takers[0]?.Action.includes(name), name);
});

test('a function writes to its own log group only', () => {
  const groups = about('logs').map(({ id, Resource }) =>
    [id, ...Resource].map((text) => text.replace(/(Role|Logs).*/, '')),
  );
  assert.deepEqual(groups, [
    ['Work', 'Work'],
    ['Housekeeping', 'Housekeeping'],
  ]);
});

test('the scheduler acts for this account only', () => {
  const trust = allowed.filter(
    ({ Action, Condition }) => Action.includes('sts:AssumeRole') && Object.keys(Condition).length > 0,
  );
  assert.equal(trust.length, 2);
  for (const { Condition } of trust)
    assert.equal(textOf(Condition.StringEquals?.['aws:SourceAccount']), 'AWS::AccountId');
});
