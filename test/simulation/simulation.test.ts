import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { RULES } from './rules.ts';
import { simulateSeed } from './world.ts';

const SEEDS = 350;

/** In a process of its own: the test runner follows every promise, which takes as long again as the simulation. */
const simulate = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'simulate.ts'), ...args], { encoding: 'utf8' });

/** What the weather must have brought over these seeds; none of it may be zero. */
const EXERCISED = [
  ...['crashes', 'freezes', 'timeouts', 'calls refused', 'answers lost', 'calls repeated'],
  ...['messages duplicated', 'messages lost', 'deletes lost', 'syncs taken up by housekeeping', 'ticks skipped'],
  ...[
    'API failures',
    'API throttles',
    'API lies',
    'API down',
    'API limits',
    'long holds',
    'meters held',
    'syncs parked',
    'records changed',
    'pages that kill',
    'pages that killed',
    'pages set aside',
    'messages vanished',
    'failures sent back',
    'syncs opened again',
    'parents appeared',
    'parents vanished',
    'parents not found',
    'cursors expired',
    'listings begun again',
    'slices cut',
    'pages out of reach',
    'syncs superseded',
  ],
  ...['COMPLETE by count', 'COMPLETE by cursor', 'COMPLETE by end', 'COMPLETE by overlap', 'INCOMPLETE', 'UNKNOWN'],
];

it(`${SEEDS} runs of the whole pipeline under weather keep every invariant`, () => {
  const { status, stdout, stderr } = simulate('--seeds', String(SEEDS));
  assert.equal(status, 0, `${stdout}${stderr}`);
  const exercised = new Set([...stdout.matchAll(/^ +[1-9]\d* {2}(.+)$/gm)].map(([, what]) => what));
  for (const what of EXERCISED) assert.ok(exercised.has(what), `${what}: never`);
});

it('a seed is replayed to the letter', async () => {
  const replay = async (): Promise<string[]> => {
    const lines: string[] = [];
    await simulateSeed(7, (line) => lines.push(line));
    return lines;
  };
  const first = await replay();
  assert.ok(first.length > 50);
  assert.deepEqual(await replay(), first);
});

it('every rule stands in the code, once, and the test of one exists', () => {
  const read = (file: string): string => readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
  for (const rule of RULES) {
    if (rule.test !== undefined) assert.ok(read(rule.test.file).includes(`it('${rule.test.name}'`), rule.test.name);
    let source = read(rule.file);
    for (const { find, replace } of 'edits' in rule ? rule.edits : [rule]) {
      assert.equal(source.split(find).length, 2, `${rule.name}: ${find}`);
      source = source.replace(find, () => replace);
    }
  }
});

/** Rules whose absence a few hundred seeds show; `npm run simulate -- --rules` tries all of them. */
const QUICKLY_MISSED = [
  'pages leave the open set only if all of them are open',
  'a part counts only if a block holds it',
  'a parent remembers which children may be unsent',
  'a chain’s part is put if absent under its step',
  'the event comes before the sync is closed',
];

for (const rule of QUICKLY_MISSED) {
  it(`the simulation bites without the rule: ${rule}`, () => {
    const { status, stdout, stderr } = simulate('--without', rule, '--seeds', '500', '--quiet');
    assert.equal(status, 1, stderr);
    assert.match(stdout, /^seed \d+ breaks /m, stderr);
  });
}
