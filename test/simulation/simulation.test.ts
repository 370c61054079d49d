import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'acorn';
import { markedSources, sourceOf } from './marked-lines.ts';
import { RULES } from './rules.ts';
import { takeOut } from './take-out.ts';
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
    'jobs started',
    'jobs forgotten',
    'files expired',
    'pages out of reach',
    'syncs superseded',
  ],
  ...['COMPLETE by count', 'COMPLETE by key', 'COMPLETE by end', 'COMPLETE by overlap', 'INCOMPLETE', 'UNKNOWN'],
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

describe('the rules of the protocol', () => {
  const read = (file: string): string => readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
  const sentences = [...read('docs/protocol.md').matchAll(/^- \*\*(R\d+)\*\* (.+)\.$/gm)];

  it('are the same in the documentation and in the simulation', () => {
    assert.deepEqual(
      sentences.map(([, id, sentence]) => `${id} ${sentence}`),
      RULES.map(({ id, name }) => `${id} ${name}`),
    );
    assert.deepEqual(
      [...read('docs/protocol-rationale.md').matchAll(/^- \*\*(R\d+)\*\*/gm)].map(([, id]) => id),
      RULES.map(({ id }) => id),
    );
  });

  it('are marked in the code, each in one file, and nothing else is', () => {
    const marked = markedSources.flatMap(({ marks }) => [...marks.keys()]);
    const byNumber = (a: string, b: string): number => Number(a.slice(1)) - Number(b.slice(1));
    assert.deepEqual(marked.toSorted(byNumber), RULES.map(({ id }) => id).toSorted(byNumber));
  });

  it('can each be taken out at their marks', () => {
    for (const { id, mutations } of RULES) {
      const without = takeOut(sourceOf(id).text, id, mutations);
      assert.notEqual(without, stripTypeScriptTypes(sourceOf(id).text), id);
      parse(without, { ecmaVersion: 'latest', sourceType: 'module' });
    }
  });

  it('name tests that exist', () => {
    for (const { test } of RULES)
      if (test !== undefined)
        assert.match(
          read(test.file),
          new RegExp(`\\b(it|test)\\('${test.name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}'`),
        );
  });
});

/** Rules whose absence a few hundred seeds show; `npm run simulate -- --rules` tries all of them. */
const QUICKLY_MISSED = ['R1', 'R4', 'R6', 'R20', 'R53'];

for (const { id, name } of RULES.filter((rule) => QUICKLY_MISSED.includes(rule.id))) {
  it(`the simulation notices that a rule is gone: ${name}`, () => {
    const { status, stdout, stderr } = simulate('--without', id, '--seeds', '500', '--quiet');
    assert.equal(status, 1, stderr);
    assert.match(stdout, /^seed \d+ breaks /m, stderr);
  });
}
