import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  redactBody,
  redactHeaders,
  redactSecrets,
  redactSentence,
  redactUrl,
  secretTexts,
} from '../../../lib/core/response/redact.ts';

const SECRET = 'S3CR3T/+x&"y"';
const redaction = {
  secrets: secretTexts({ token: SECRET, nested: ['other-secret'], pin: 1 }),
  paths: ['rows.*.iban', 'user.mail'],
};
const clean = (text: string): void => {
  for (const form of [
    SECRET,
    encodeURIComponent(SECRET),
    JSON.stringify(SECRET).slice(1, -1),
    'other-secret',
    'DE00',
    'a@b',
  ])
    assert.ok(!text.includes(form), `${form} in ${text}`);
};

describe('what must be seen nowhere', () => {
  it('in headers: authorisation, cookies, keys; everything else stays', () => {
    const text = redactHeaders(
      {
        authorization: 'Bearer x',
        'proxy-authorization': 'Basic x',
        cookie: 'a=x',
        'set-cookie': 'sid=x',
        'x-api-key': 'x',
        'x-auth-token': 'x',
        etag: `"${SECRET}"`,
        'content-type': 'text/html',
        'x-request-id': '7',
      },
      redaction,
    );
    assert.ok(!/: (Bearer |Basic |a=|sid=)?x$/m.test(text), text);
    assert.match(text, /content-type: text\/html\nx-request-id: 7/);
    clean(text);
  });

  it('in URLs: parameters that open doors, user and password, the secret itself; a page token stays', () => {
    const text = redactUrl(
      `https://u:other-secret@api.test/${encodeURIComponent(SECRET)}?api_key=1&access_token=2&sig=3&signature=4&page_token=5&q=${encodeURIComponent(SECRET)}`,
      redaction,
    );
    clean(text);
    assert.ok(!/=(1|2|4)(&|$)/.test(text), text);
    assert.match(text, /page_token=5/);
  });

  it('in JSON: declared places, telling names at any depth, the secret wherever it is', () => {
    const body = {
      rows: [
        { id: 1, iban: 'DE00' },
        { id: 2, iban: 'DE00', note: `used ${SECRET}` },
      ],
      user: { mail: 'a@b', name: 'n' },
      session: { id: 'sssss' },
      error: { access_token: 'ttttt', author: 'Ann' },
      next_page_token: 'kept',
    };
    const text = redactBody(JSON.stringify(body), redaction, 10_000);
    clean(text);
    assert.ok(!/sssss|ttttt/.test(text), text);
    const left = JSON.parse(text);
    assert.deepEqual(
      [left.rows[0].id, left.user.name, left.error.author, left.next_page_token],
      [1, 'n', 'Ann', 'kept'],
    );
  });

  it('in JSON that is torn, in forms and in plain text', () => {
    const torn = `{"rows":[{"iban":"DE00","password":"hunter2","access_token": "ttttt","note":"${SECRET.replaceAll('"', '\\"')}","token":"tt`;
    for (const text of [torn, 'mail=a@b&password=hunter2&token=ttttt', `Authorization: Bearer ttttttttt ${SECRET}`]) {
      const left = redactBody(text, redaction, 10_000);
      clean(left);
      assert.ok(!/hunter2|ttttt/.test(left), left);
    }
  });

  it('in a sentence that quotes what came', () => {
    const text = redactSentence(`HTTP 200 with an error inside: {"token":"ttttt","message":"no ${SECRET}"}`, redaction);
    clean(text);
    assert.ok(!text.includes('ttttt'));
  });

  it('a body is cut after it was read, so that nothing is torn open', () => {
    const long = JSON.stringify({ pad: 'x'.repeat(90), password: 'hunter2'.repeat(10) });
    assert.ok(!redactBody(long, redaction, 120).includes('hunter2'));
    assert.equal(redactBody('y'.repeat(500), redaction, 100).length, 100);
  });
});

it('credentials that an answer repeats in a sentence, in another form than they were given in', () => {
  const sent = `Basic ${btoa('somebody:S3CR3T/+x')}`;
  const said = { message: `no such user: ${sent}`, received: [`authorization: ${sent}`] };
  for (const text of [JSON.stringify(said), `<p>${sent}</p>`]) {
    const left = redactBody(text, redaction, 1_000);
    assert.ok(!left.includes(sent.slice(6)), left);
  }
  // As some write JSON, and torn, so that it cannot be read as such.
  const torn = `{"message":"${SECRET.replaceAll('/', '\\/').replaceAll('"', '\\"')} is not known`;
  assert.ok(!redactBody(torn, redaction, 1_000).includes('S3CR3T'));
});

describe('a secret in every spelling in which it is sent, or sent back', () => {
  const token = `tok/en+"'<&>!~ ü(x)${'0123456789'.repeat(2)}`;
  const known = { secrets: secretTexts({ token, username: 'some-user', password: 'pässword-1' }), paths: [] };
  const percent = encodeURIComponent(token);
  const basic = btoa(String.fromCharCode(...new TextEncoder().encode('some-user:pässword-1')));
  const html = token.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
  const spellings: Readonly<Record<string, string>> = {
    plain: token,
    'percent-encoded': percent,
    'percent-encoded in lower case': percent.replace(/%../g, (each) => each.toLowerCase()),
    'percent-encoded throughout': [...new TextEncoder().encode(token)]
      .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
      .join(''),
    'form-encoded': new URLSearchParams({ token }).toString().slice('token='.length),
    JSON: JSON.stringify(token).slice(1, -1),
    'JSON in ASCII': JSON.stringify(token)
      .slice(1, -1)
      .replace(/[<>&'ü]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`),
    'JSON with escaped slashes': JSON.stringify(token).slice(1, -1).replaceAll('/', '\\/'),
    'HTML by numbers': html,
    'HTML by hexadecimal numbers': html.replace(/&#(\d+);/g, (_, code) => `&#x${Number(code).toString(16)};`),
    'HTML by names': token
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&apos;'),
    'cut off': token.slice(0, 20),
    'cut off in the middle of an escape': percent.slice(0, 31),
    'name and password as they are sent': basic,
    'name and password, percent-encoded': encodeURIComponent(basic),
  };
  for (const [spelling, text] of Object.entries(spellings))
    it(spelling, () => {
      const left = redactSecrets(`x=1 ${text} y`, known.secrets);
      assert.match(left, /^x=1 \[redacted\][=%a-fA-F0-9]{0,6} y$/, `${text} → ${left}`);
      assert.ok(!redactBody(`<p>harmless: ${text}</p>`, known, 1_000).includes(text));
    });

  it('the beginning that all keys of an API share is none', () => {
    const text = 'keys begin with sk_live_';
    assert.equal(redactSecrets(text, ['sk_live_0123456789abcdef']), text);
  });
});
