import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { explainError, UsageError } from '../../../bin/cli/errors.ts';
import { connectorsOf } from '../../../bin/cli/state-connectors.ts';
import { StateFolderError } from '../../../lib/local/state-folder-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-test-'));
after(() => rm(folder, { recursive: true }));

const said = (error: unknown): string => {
  const explained = explainError(error);
  assert.ok(explained instanceof UsageError, String(explained));
  return explained.message;
};

const thrown = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
};

describe('what the machine refuses is one sentence that says what to do', () => {
  it('a file in a folder that is not there', () => {
    const file = join(folder, 'none', 'shop.ts');
    assert.equal(
      said(thrown(() => writeFileSync(file, ''))),
      `The folder of "${file}" is not there. Make it, or give another path.`,
    );
  });

  it('a folder below a file', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    assert.match(
      said(thrown(() => mkdirSync(join(file, 'out'), { recursive: true }))),
      /^A file stands where a folder/,
    );
    assert.match(said(thrown(() => mkdirSync(file, { recursive: true }))), /^A file stands where a folder must be: /);
  });

  it('a full disk, also where nobody knows which file was meant', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    assert.equal(said(full), 'The disk of this run is full. Make room, and run the same command again.');
  });

  it('a port in use', async () => {
    const first = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => first.on('listening', resolve));
    const address = first.address();
    assert.ok(address !== null && typeof address === 'object');
    const second = createServer().listen(address.port, '127.0.0.1');
    const error = await new Promise((resolve) => second.on('error', resolve));
    assert.equal(said(error), `The port ${address.port} is in use. Give another one with --port.`);
    first.close();
  });

  it('a state folder that cannot be used', () => {
    assert.equal(said(new StateFolderError('It is in use.')), 'It is in use.');
  });

  it("what is nobody's mistake but ours stays what it is", () => {
    const bug = new TypeError('x is not a function');
    assert.equal(explainError(bug), bug);
  });
});

it('a state folder whose note was spoilt says how to mend it', async () => {
  writeFileSync(join(folder, 'connectors.json'), '{');
  await assert.rejects(connectorsOf(folder), {
    name: 'UsageError',
    message: /connectors\.json" cannot be read\. Delete it, and run once more: headgate run <connector> --state /,
  });
});
