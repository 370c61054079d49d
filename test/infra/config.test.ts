import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineConfig, readConfig } from '../../lib/infra/config.ts';
import { stages } from '../../lib/infra/stage.ts';

test('dev and prod are there without being named', () => {
  const read = readConfig(defineConfig({ connectors: ['github'] }));
  assert.deepEqual(read, { connectors: ['github'], stages: [stages.dev, stages.prod] });
});

test('what is given is laid over the defaults; a stage of another name begins as prod', () => {
  const read = readConfig({
    connectors: ['./shop.ts'],
    stages: { prod: { alarms: { email: 'a@b.test' }, load: { schema: 'api' } }, test: { schedules: false } },
  });
  assert.ok('stages' in read);
  assert.deepEqual(read.stages, [
    stages.dev,
    { ...stages.prod, alarms: { email: 'a@b.test' }, load: { schema: 'api' } },
    { ...stages.prod, name: 'test', schedules: false },
  ]);
});

test('whatever a stage has can be set', () => {
  const { name, ...settings } = { ...stages.dev, outageSeconds: 60 };
  const read = readConfig({ connectors: ['github'], stages: { [name]: settings } });
  assert.deepEqual(read, { connectors: ['github'], stages: [{ ...stages.dev, outageSeconds: 60 }, stages.prod] });
});

const wrong: { what: string; config: unknown; says: RegExp }[] = [
  { what: 'nothing', config: undefined, says: /expected object/ },
  { what: 'no connectors', config: {}, says: /^"connectors": / },
  { what: 'no connector', config: { connectors: [] }, says: /^"connectors": / },
  { what: 'an unknown field', config: { connectors: ['a'], stage: {} }, says: /"stage"/ },
  { what: 'an unknown setting', config: { connectors: ['a'], stages: { prod: { retian: true } } }, says: /"retian"/ },
  {
    what: 'a stage that cannot be named so',
    config: { connectors: ['a'], stages: { 'A b': {} } },
    says: /lower case letters/,
  },
  {
    what: 'a key that is none',
    config: { connectors: ['a'], stages: { prod: { encryptionKey: 'alias/x' } } },
    says: /^"stages\.prod\.encryptionKey": must be an ARN of KMS$/,
  },
  {
    what: 'the URL of a database where it could be read',
    config: { connectors: ['a'], stages: { prod: { load: { url: 'postgres://a:b@c/d' } } } },
    says: /^"stages\.prod\.load": there is no such field as "url"/,
  },
  {
    what: 'a verdict that is always loaded',
    config: { connectors: ['a'], stages: { prod: { load: { accept: ['complete'] } } } },
    says: /^"stages\.prod\.load\.accept\.0": .*"unknown"\|"incomplete"/,
  },
  {
    what: 'a subnet that is none',
    config: {
      connectors: ['a'],
      stages: { prod: { load: { network: { subnets: ['a'], securityGroups: ['sg-1'] } } } },
    },
    says: /^"stages\.prod\.load\.network\.subnets\.0": must be the id of a subnet/,
  },
];
for (const { what, config, says } of wrong) {
  test(`${what}: one sentence that names it`, () => {
    const read = readConfig(config);
    assert.ok('problem' in read, JSON.stringify(read));
    assert.match(read.problem, says);
  });
}
