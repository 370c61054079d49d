import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  authorizationCode,
  bearer,
  type Connector,
  clientCredentials,
  defineConnector,
  none,
  one,
  type Rotation,
} from '../../lib/core/connector/connector.ts';
import { stages } from '../../lib/infra/stage.ts';
import { stacksOf } from './example.ts';
import { ofType, resourcesOf, textOf } from './resources.ts';

const connectorBy = (auth: Connector['auth']): Connector =>
  defineConnector({
    name: 'shop',
    docs: '',
    params: z.object({}),
    baseUrl: 'https://shop.test',
    auth,
    limits: [],
    streams: (stream) => ({
      orders: stream({
        request: () => ({ path: '/orders' }),
        paging: one(),
        records: (body) => body,
        schema: z.object({ id: z.number() }),
        key: 'id',
      }),
    }),
  });
const flow = { tokenUrl: 'https://shop.test/token' };
const kinds = {
  open: none(),
  key: bearer(),
  client: clientCredentials(flow),
  consent: authorizationCode({ ...flow, authorizeUrl: 'https://shop.test/auth' }),
};

const statement = z.object({
  Action: z.union([z.array(z.string()), z.string().transform((one) => [one])]),
  Resource: z.unknown().transform((value) => [value].flat().map(textOf)),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
const role = z.object({
  Policies: z.array(z.object({ PolicyDocument: z.object({ Statement: z.array(statement) }) })).default([]),
});

/** The services that each function's role reaches, and how far: resource → keys or names. */
function reachOf(auth: Connector['auth']) {
  const { connector } = stacksOf(stages.prod, connectorBy(auth));
  const roles = Object.entries(ofType(resourcesOf(connector), 'AWS::IAM::Role', role));
  return new Map(
    roles.map(([id, { Policies }]) => [
      id.replace(/Role.*$/, ''),
      Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
    ]),
  );
}
const to = (statements: readonly z.output<typeof statement>[] = [], service: string) =>
  statements.filter(({ Action }) => Action.some((name) => name.startsWith(`${service}:`)));
const tokenRows = (statements?: readonly z.output<typeof statement>[]) =>
  to(statements, 'dynamodb').filter(({ Resource }) => Resource.some((text) => text.includes('Tokens')));

describe('who reaches tokens', () => {
  for (const [name, auth] of Object.entries(kinds)) {
    it(`${name}: each function reaches the rows and secrets of its own connector, and no more than it needs`, () => {
      const reach = reachOf(auth);
      const functions = name === 'consent' ? ['Work', 'Housekeeping', 'Connect'] : ['Work', 'Housekeeping'];
      assert.deepEqual(
        [...reach.keys()].filter((id) => !id.includes('Schedule')),
        functions,
      );
      for (const id of functions) {
        const rows = tokenRows(reach.get(id));
        for (const { Condition } of rows)
          assert.deepEqual(Condition, { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['shop/*'] } });
        assert.equal(rows.length, name === 'open' ? 0 : 1, id);
        const secrets = to(reach.get(id), 'secretsmanager').flatMap(({ Resource }) => Resource);
        const [key, ...others] = secrets.filter((text) => !text.endsWith(':secret:headgate/prod/shop/*'));
        assert.deepEqual(others, []);
        assert.equal(key?.includes('TokenKey') ?? false, name === 'client' || name === 'consent', id);
      }
    });
  }

  it('what a browser reaches can touch neither queues nor objects nor syncs', () => {
    const connect = reachOf(kinds.consent).get('Connect') ?? [];
    for (const service of ['sqs', 's3', 'events', 'lambda']) assert.deepEqual(to(connect, service), [], service);
    const tables = to(connect, 'dynamodb').flatMap(({ Resource }) => Resource);
    assert.ok(tables.length > 0 && tables.every((text) => /Tokens|Connections/.test(text)));
  });
});

it('the connect function has a URL, and is there only where somebody consents', () => {
  const resources = resourcesOf(stacksOf(stages.prod, connectorBy(kinds.consent)).connector);
  const urls = Object.values(ofType(resources, 'AWS::Lambda::Url', z.object({ AuthType: z.string() })));
  assert.deepEqual(urls, [{ AuthType: 'NONE' }]);
  for (const auth of [kinds.open, kinds.key, kinds.client]) {
    const others = resourcesOf(stacksOf(stages.prod, connectorBy(auth)).connector);
    assert.ok(Object.values(others).every(({ Type }) => Type !== 'AWS::Lambda::Url'));
  }
});

it('somebody is told of consents that end, where there are any', () => {
  const alarmsOf = (auth: Connector['auth']) =>
    Object.keys(resourcesOf(stacksOf(stages.prod, connectorBy(auth)).connector)).filter((id) =>
      /^AlarmsAgeing/.test(id),
    );
  assert.deepEqual([alarmsOf(kinds.consent).length, alarmsOf(kinds.client).length], [1, 0]);
});

it('somebody is told of secrets that are old, where they are to be replaced', () => {
  const tells = (auth: Connector['auth'], rotate?: Rotation): boolean =>
    Object.keys(resourcesOf(stacksOf({ ...stages.prod, rotate }, connectorBy(auth)).connector)).some((id) =>
      /^AlarmsSecretsAgeing/.test(id),
    );
  assert.deepEqual(
    [tells(kinds.open), tells(kinds.key), tells(kinds.client), tells(kinds.consent)],
    [false, true, true, true],
  );
  assert.deepEqual([tells(kinds.key, false), tells(kinds.key, '30 days')], [false, true]);
});

it('a worker has time for a token request beside its pages where giving it up would cost the consent, and for the close of many parents', () => {
  const timeoutOf = (connector: Connector) => {
    const functions = ofType(
      resourcesOf(stacksOf(stages.prod, connector).connector),
      'AWS::Lambda::Function',
      z.object({ Timeout: z.number(), Handler: z.string() }),
    );
    return Object.values(functions).find(({ Handler }) => Handler === 'work.handler')?.Timeout;
  };
  const plain = connectorBy(kinds.client);
  const { orders } = plain.streams;
  assert.ok(orders);
  const lines = { ...orders, each: { of: 'orders', pick: () => 1 } };
  const ofParents = { ...plain, streams: { orders, lines } };
  assert.deepEqual([timeoutOf(plain), timeoutOf(connectorBy(kinds.consent)), timeoutOf(ofParents)], [60, 150, 150]);
});

it('the key that tokens are sealed with is made up by the secrets manager, and outlives the stack', () => {
  const secrets = ofType(
    resourcesOf(stacksOf(stages.prod).state),
    'AWS::SecretsManager::Secret',
    z.object({
      GenerateSecretString: z.object({ PasswordLength: z.number().min(43), ExcludePunctuation: z.boolean() }),
    }),
  );
  assert.equal(Object.keys(secrets).length, 1);
});
