import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { Logger } from '@aws-lambda-powertools/logger';
import * as z from 'zod';
import { powertoolsLog } from '../../lib/aws/log.ts';
import type { Log } from '../../lib/pipeline/ports.ts';
import { memoryLog } from '../memory/log.ts';

type Written = {
  readonly level: string;
  readonly message: string;
  readonly stream?: unknown;
  readonly pages?: unknown;
};

/** What every `Log` does. `written`: its lines, oldest first. */
function logContract(open: () => { log: Log; written: () => readonly Written[] }): void {
  test('a line has its level, its message and its fields', () => {
    const { log, written } = open();
    log.info('sync started', { stream: 'orders', pages: 3 });
    log.warn('sync stalled', { stream: 'orders', pages: 0 });
    assert.deepEqual(written(), [
      { level: 'info', message: 'sync started', stream: 'orders', pages: 3 },
      { level: 'warn', message: 'sync stalled', stream: 'orders', pages: 0 },
    ]);
  });
}

describe('Log in memory', () =>
  logContract(() => {
    const log = memoryLog();
    return { log, written: () => log.lines.map(({ level, message, fields }) => ({ level, message, ...fields })) };
  }));

describe('Log by Powertools', () => {
  const line = z.object({
    level: z.string().toLowerCase(),
    message: z.string(),
    stream: z.string(),
    pages: z.number(),
  });
  let lines: Written[];
  beforeEach(() => {
    lines = [];
    // Powertools writes to the console of this process only in this mode.
    process.env.POWERTOOLS_DEV = 'true';
    for (const method of ['info', 'warn'] as const) {
      mock.method(console, method, (text: string) => lines.push(line.parse(JSON.parse(text))));
    }
  });
  afterEach(() => {
    delete process.env.POWERTOOLS_DEV;
    mock.restoreAll();
  });
  test('a field is cut where a line would become too long for CloudWatch', () => {
    powertoolsLog(new Logger({ logLevel: 'INFO' })).warn('task failed', { stream: 'x'.repeat(1_000_000), pages: 1 });
    assert.equal(String(lines[0]?.stream), `${'x'.repeat(4_000)}… (1000000 characters)`);
  });
  logContract(() => ({ log: powertoolsLog(new Logger({ logLevel: 'INFO' })), written: () => lines }));
});
