import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { askSecret } from '../../../bin/cli/ask-secret.ts';

/** Types these keys, each line when it is asked for, and gives what was shown meanwhile. */
function typing(...keys: readonly string[]) {
  const input = new PassThrough();
  const left = [...keys];
  let shown = '';
  const screen = {
    write(text: string): void {
      shown += text;
      // A key is typed once the question waits for it.
      if (text !== '\n') setImmediate(() => input.write(left.shift() ?? ''));
    },
  };
  return { asked: askSecret('shop', ['user', 'password'], input, screen), shown: () => shown };
}

it('asks for each field, and shows nothing of what is typed', async () => {
  const { asked, shown } = typing('me\r', 'hush\r');
  assert.deepEqual(await asked, { user: 'me', password: 'hush' });
  assert.equal(shown(), 'shop user: \nshop password: \n');
});

it('Enter alone leaves a field out', async () => {
  assert.deepEqual(await typing('\r', 'hush\r').asked, { password: 'hush' });
});

for (const [key, code] of [
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
] as const)
  it(`${key} is no answer, and no crash`, async () => {
    await assert.rejects(typing('me\r', code).asked, { name: 'UsageError', message: /No secret was given/ });
  });
