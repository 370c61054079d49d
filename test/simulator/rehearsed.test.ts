import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import github from '../../lib/connectors/github.ts';
import practice from '../../lib/connectors/practice.ts';
import { type Connector, defineConnector, none, one, type Raw } from '../../lib/core/connector/connector.ts';
import { keyDelivered, keyOf, rehearsed, rehearsedAt } from '../../lib/simulator/rehearsed.ts';
import jiraOauth from '../connectors/seven/jira-oauth.ts';
import shopify from '../connectors/seven/shopify.ts';

const HERE = 'http://127.0.0.1:1234';
const at = (connector: Connector, params: object) => {
  const deployed = rehearsed(connector);
  const parsed: Raw = deployed.params.parse(rehearsedAt(HERE, params));
  return { deployed, params: parsed };
};

describe('a connector as it is deployed for a rehearsal', () => {
  it('asks at the origin of its connection, by the path that is declared', () => {
    const { deployed, params } = at(shopify, { shop: 'acme' });
    assert.equal(deployed.baseUrl({ params, grant: undefined }), `${HERE}/admin/api/2026-10`);
    assert.ok(deployed.auth.kind === 'clientCredentials');
    assert.equal(deployed.auth.tokenUrl(params), `${HERE}/admin/oauth/access_token`);
  });

  it('asks there, too, for consent, for tokens, and for what they tell', () => {
    const { deployed, params } = at(jiraOauth, { site: 'https://acme.atlassian.net' });
    const { auth, baseUrl } = deployed;
    assert.ok(auth.kind === 'authorizationCode');
    assert.equal(auth.authorizeUrl(params), `${HERE}/authorize`);
    assert.equal(auth.tokenUrl(params), `${HERE}/oauth/token`);
    assert.equal(auth.discover?.request.path, '/oauth/token/accessible-resources');
    assert.equal(baseUrl({ params, grant: undefined }), `${HERE}/`);
    assert.equal(baseUrl({ params, grant: { cloudId: 'c' } }), `${HERE}/ex/jira/c`);
  });

  it('has its own parameters, as they are declared', () => {
    const { params } = at(github, { org: 'acme' });
    assert.deepEqual([params.org, params.api], ['acme', 'https://api.github.com']);
    assert.equal(rehearsed(github).params.safeParse({ org: 'acme' }).success, false);
  });

  it('keeps as many limits, each of them quick and of its own connection', () => {
    const fast = { requests: 1_000, per: '1 second', scope: 'connection' };
    const open = at(practice, { url: HERE });
    assert.deepEqual(open.deployed.limits(open), [fast]);
    const two = at(github, { org: 'acme' });
    assert.deepEqual(two.deployed.limits(two), [fast, fast]);
    const points = at(shopify, { shop: 'acme' });
    assert.deepEqual(points.deployed.limits(points), [{ points: 60_000, per: '1 second', scope: 'connection' }]);
  });

  it('delivers with each record its key, which its own "map" may leave out', () => {
    const connector = defineConnector({
      ...{ name: 'small', docs: '', params: z.object({}), baseUrl: HERE, auth: none(), limits: [] },
      streams: (stream) => ({
        rows: stream({
          ...{ request: () => ({ path: '/rows' }), paging: one(), records: (body) => body, key: ['a', 'b'] },
          schema: z.object({ a: z.int(), b: z.string(), c: z.int() }),
          map: ({ c }) => ({ c }),
        }),
      }),
    });
    const record = { a: 1, b: 'x', c: 2 };
    const delivered = rehearsed(connector).streams.rows?.map?.(record, { parent: undefined });
    assert.equal(Reflect.get(Object(delivered), 'c'), 2);
    assert.equal(keyDelivered(delivered), keyOf({ key: ['a', 'b'] }, record));
    assert.equal(keyDelivered(delivered), '[1,"x"]');
  });
});
