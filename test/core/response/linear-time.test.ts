import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readBody } from '../../../lib/core/response/body.ts';
import { nextLink } from '../../../lib/core/response/links.ts';
import { quotaOf } from '../../../lib/core/response/quota.ts';
import { redactBody, redactSentence } from '../../../lib/core/response/redact.ts';

const REDACTION = { secrets: ['a-secret-of-some-length'], paths: ['rows.*.iban'] };

/** What reads an answer, and what would be slow to read if it looked at anything again for each place. */
const cases: readonly (readonly [what: string, unit: string, read: (text: string) => void])[] = [
  ['titles in an error page', '<title', (text) => readBody(new TextEncoder().encode(`<html>${text}`))],
  ['links that are never closed', '<', ignoring(nextLink)],
  ['parameters that are never closed', '<a>;b="\\"', ignoring(nextLink)],
  ['spaces in a link', '<a>; ;   ', ignoring(nextLink)],
  ['quotes in a quota', '"\\"', (text) => quotaOf(() => text, 0)],
  ['spaces in a quota', 'a= ', (text) => quotaOf(() => `${text}=`, 0)],
  ['names without values', '"token":', (text) => redactSentence(text, REDACTION)],
  ['names that are never closed', 'token.', (text) => redactSentence(`${text}=`, REDACTION)],
  ['quotes in a torn body', '{"a\\":', (text) => redactBody(text, REDACTION, 10_000_000)],
  ['schemes of authorisation', 'Bearer ', (text) => redactSentence(text, REDACTION)],
];

const SIZE = 64 * 1024;
const TIMES = 8;
const ENOUGH = 150_000;
const ROUNDS = 4;

for (const [what, unit, read] of cases)
  it(`${what}: a text that is ${TIMES} times as long takes ${TIMES} times the work`, () => {
    const small = unit.repeat(SIZE / unit.length);
    const large = unit.repeat((TIMES * SIZE) / unit.length);
    let [apart, whole] = [0, 0];
    // The clock of a thread is coarse: so long that its steps do not count. A first round may be spent on compiling.
    for (let round = 0; round < ROUNDS && (round === 0 || whole >= 3 * apart); round++) {
      [apart, whole] = [0, 0];
      while (apart + whole < ENOUGH) {
        apart += processorTime(() => {
          for (let i = 0; i < TIMES; i++) read(small);
        });
        whole += processorTime(() => read(large));
      }
    }
    // Quadratic would be 8 times as much.
    assert.ok(whole < 3 * apart, `${whole} µs at once, ${apart} µs in ${TIMES} pieces`);
  });

/** In microseconds. */
function processorTime(call: () => void): number {
  const before = process.threadCpuUsage();
  call();
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

function ignoring(read: (text: string) => unknown): (text: string) => void {
  return (text) => {
    try {
      read(text);
    } catch {
      // That it cannot be read is an answer, too.
    }
  };
}
