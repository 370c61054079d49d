import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import github from '../../lib/connectors/github.ts';
import hubspot from '../../lib/connectors/hubspot.ts';
import jira from '../../lib/connectors/jira.ts';
import stripe from '../../lib/connectors/stripe.ts';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { type Api, json, makeWorld } from '../pipeline/world.ts';
import { githubApi, hubspotApi, jiraApi, rowsOf, stripeApi } from './fakes.ts';

/** The four that ship, against answers as their APIs document them. */
const run = async (connector: Connector, stream: string, api: Api, params: object = {}) => {
  const secret = { token: 't', username: 'u', password: 'p' };
  const world = makeWorld({ connector, api, params, secret });
  const receipt = await world.sync(stream);
  const delivered = world.delivered(receipt);
  return {
    world,
    receipt,
    delivered,
    ids: new Set(delivered.map((record) => String(Reflect.get(Object(record), 'id')))),
  };
};

describe('hubspot', () => {
  it('contacts: more than a search reaches, each page after the id of the last; each property that there is', async () => {
    const { receipt, ids, world } = await run(hubspot, 'contacts', hubspotApi(rowsOf(12_500, 30)));
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.equal(ids.size, 12_500);
    assert.equal(world.http.requests.filter(({ url }) => url.includes('/properties/')).length, 1);
  });

  it('contacts: one that is edited meanwhile moves no other out of sight', async () => {
    const rows = rowsOf(600, 30).map((row) => ({ ...row }));
    const honest = hubspotApi(rows);
    let searched = 0;
    const api: Api = (request) => {
      const answer = honest(request);
      if (request.path.endsWith('/search') && searched++ === 0)
        Object.assign(rows[17] ?? {}, { at: Date.UTC(2026, 10, 22, 13) });
      return answer;
    };
    const { receipt, ids } = await run(hubspot, 'contacts', api);
    assert.deepEqual([receipt.verdict, ids.size], ['COMPLETE', 600]);
  });

  it('archived contacts are tombstones', async () => {
    const { receipt, delivered } = await run(hubspot, 'contactsArchived', hubspotApi(rowsOf(230)));
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.equal(delivered.length, 230);
    for (const record of delivered) assert.equal(Reflect.get(Object(record), '_deleted'), true);
  });

  it('companies of contacts, a thousand contacts at a time; those without any are listed as errors', async () => {
    const { receipt, delivered, world } = await run(hubspot, 'contactCompanies', hubspotApi(rowsOf(1_100)));
    assert.equal(receipt.verdict, 'COMPLETE', JSON.stringify(receipt.reasons));
    const without = rowsOf(1_100).filter(({ id }) => String(id).endsWith('5')).length;
    assert.equal(delivered.length, 1_100 - without);
    assert.equal(world.http.requests.filter(({ url }) => url.includes('/associations/')).length, 2);
    assert.match(receipt.notes?.[0]?.message ?? '', /objects without associations/);
  });

  it('companies of a contact that has more than one answer holds: never COMPLETE without them', async () => {
    const honest = hubspotApi(rowsOf(10));
    const api: Api = (request) =>
      request.path.includes('/associations/')
        ? json({ results: [{ from: { id: '1' }, to: [{ toObjectId: 9 }], paging: { next: { after: 'NTAw' } } }] })
        : honest(request);
    const { receipt } = await run(hubspot, 'contactCompanies', api);
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.match(receipt.reasons[0]?.message ?? '', /more associations than one answer holds/);
  });
});

describe('stripe', () => {
  for (const stream of ['charges', 'events']) {
    it(`${stream}: newest first, by the last one's id, in slices of time`, async () => {
      const { receipt, ids } = await run(stripe, stream, stripeApi(rowsOf(730, 1_000)));
      assert.equal(receipt.verdict, 'COMPLETE', JSON.stringify(receipt.reasons));
      assert.equal(receipt.evidence, 'key');
      assert.equal(ids.size, 730);
    });
  }
});

describe('stripe, invoices', () => {
  it('carry no list of lines that is cut off, and all lines are a stream', async () => {
    const invoices = await run(stripe, 'invoices', stripeApi(rowsOf(3, 1_000)));
    assert.ok(invoices.delivered.every((invoice) => !('lines' in Object(invoice))));
    const lines = await run(stripe, 'invoiceLines', stripeApi(rowsOf(3, 1_000)));
    assert.deepEqual([lines.receipt.verdict, lines.ids.size], ['COMPLETE', 45]);
  });
});

describe('jira', () => {
  const params = { site: 'https://acme.atlassian.net' };

  it('a token that has expired is no site without issues', async () => {
    const nobody: Api = () => json({ issues: [], isLast: true }, { 'x-seraph-loginreason': 'AUTHENTICATED_FAILED' });
    const { receipt } = await run(jira, 'issues', nobody, params);
    assert.equal(receipt.verdict, 'INCOMPLETE');
  });

  it('worklogs of each issue, all of them', async () => {
    const { receipt, ids } = await run(jira, 'worklogs', jiraApi(rowsOf(5)), params);
    assert.deepEqual([receipt.verdict, ids.size], ['COMPLETE', 160]);
  });

  it('issues: the count is an estimate, and proves nothing', async () => {
    const { receipt, ids } = await run(jira, 'issues', jiraApi(rowsOf(450)), params);
    assert.deepEqual([receipt.verdict, receipt.evidence, ids.size], ['COMPLETE', 'end', 450]);
    assert.equal(receipt.expected.source, 'estimate');
  });

  it('issues: a token that expires begins the slice again', async () => {
    const { receipt, delivered, ids } = await run(jira, 'issues', jiraApi(rowsOf(450), { expired: 2 }), params);
    assert.deepEqual([receipt.verdict, delivered.length, ids.size], ['COMPLETE', 450, 450]);
  });

  it('comments of each issue; of one that was deleted meanwhile there are none', async () => {
    const { receipt, delivered } = await run(jira, 'comments', jiraApi(rowsOf(70)), params);
    assert.equal(receipt.verdict, 'COMPLETE');
    const expected = rowsOf(70).reduce((sum, { id }) => sum + (id % 7 === 0 ? 0 : id % 5), 0);
    assert.equal(delivered.length, expected);
    assert.ok(delivered.every((comment) => typeof Reflect.get(Object(comment), 'issue') === 'string'));
  });

  it('a site that there is not is no site without issues', async () => {
    const nowhere: Api = () => json({ errorMessage: 'Site temporarily unavailable' }, {}, 404);
    for (const stream of Object.keys(jira.streams)) {
      const { receipt } = await run(jira, stream, nowhere, params);
      assert.equal(receipt.verdict, 'INCOMPLETE', stream);
      assert.ok(receipt.reasons.some(({ code }) => code === 'http-404'));
    }
  });

  it('projects', async () => {
    const { receipt, ids } = await run(jira, 'projects', jiraApi(rowsOf(70)), params);
    assert.deepEqual([receipt.verdict, ids.size], ['COMPLETE', 70]);
  });
});

describe('github', () => {
  it('issues of every repository; one without issues has none', async () => {
    const { receipt, ids } = await run(github, 'issues', githubApi(7), { org: 'acme' });
    assert.equal(receipt.verdict, 'COMPLETE', JSON.stringify(receipt.reasons));
    assert.equal(ids.size, 30 * (1 + 2 + 4 + 5 + 6 + 7));
  });

  it('issues of the one that is named: no other is asked for', async () => {
    const { receipt, ids, world } = await run(github, 'issues', githubApi(7), { org: 'acme', repo: 'r5' });
    assert.deepEqual([receipt.verdict, receipt.evidence, ids.size], ['COMPLETE', 'end', 150]);
    // Two pages, and the first one again by the second look.
    assert.equal(world.http.requests.length, 3);
  });
});
