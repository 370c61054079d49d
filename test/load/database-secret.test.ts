import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_DATABASE_SECRET, readDatabaseSecret } from '../../lib/load/database-secret.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';

test('a URL, with the authority of the server where it has one of its own', () => {
  assert.deepEqual(readDatabaseSecret('{"url":"postgres://u:p@db/api"}'), { url: 'postgres://u:p@db/api' });
  const given = { url: 'postgresql://u:p@db/api', authority: PEM };
  assert.deepEqual(readDatabaseSecret(JSON.stringify(given)), given);
});

const wrong: readonly { what: string; text: string; says: RegExp }[] = [
  { what: 'what was deployed', text: EMPTY_DATABASE_SECRET, says: /is empty; write the URL/ },
  { what: 'no JSON', text: 'postgres://user:hidden@db/api', says: /must be JSON like/ },
  { what: 'another database', text: '{"url":"mysql://user:hidden@db"}', says: /must be a URL like postgres/ },
  { what: 'another field', text: '{"uri":"postgres://user:hidden@db/api"}', says: /"url": is missing|"uri"/ },
  {
    what: 'two words on TLS',
    text: JSON.stringify({ url: 'postgres://u:hidden@db/api?sslmode=require', authority: PEM }),
    says: /no sslmode/,
  },
];
for (const { what, text, says } of wrong)
  test(`${what}: one sentence, without the value`, () => {
    assert.throws(
      () => readDatabaseSecret(text),
      ({ message }: Error) => says.test(message) && !message.includes('hidden'),
    );
  });
