import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { it } from 'node:test';
import { type Node, parse } from 'acorn';
import { checkSync } from 'recheck';

/** A peer chooses what these read. `recheck` counts the steps of a matcher on the worst text that it finds. */
const READS_PEERS = 'lib/{core,pipeline,aws}/**/*.ts';

/** With its own engine in JavaScript: no Java, no binary. */
process.env.RECHECK_BACKEND = 'pure';

it('every regular expression of the run time takes linear time', async () => {
  const slow: string[] = [];
  let checked = 0;
  for await (const file of glob(READS_PEERS, { exclude: ['**/*.d.ts'] })) {
    for (const { pattern, flags } of expressionsIn(readFileSync(file, 'utf8'))) {
      checked += 1;
      const found = checkSync(pattern, flags);
      if (found.status !== 'safe') slow.push(`${file}: /${pattern}/${flags} is ${found.status}`);
    }
  }
  assert.deepEqual(slow, []);
  assert.ok(checked > 30, `only ${checked} were found`);
});

it('a quadratic expression would be found', () => {
  assert.equal(checkSync('<title[^>]*>\\s*([^<]{1,60})', 'i').status, 'vulnerable');
});

/** The literals of a module. */
function expressionsIn(source: string): { readonly pattern: string; readonly flags: string }[] {
  const found: { pattern: string; flags: string }[] = [];
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) look(each);
    if (!isNode(value)) return;
    if ('regex' in value && isExpression(value.regex)) found.push(value.regex);
    for (const each of Object.values(value)) look(each);
  };
  look(parse(stripTypeScriptTypes(source), { ecmaVersion: 'latest', sourceType: 'module' }));
  return found;
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;

const isExpression = (value: unknown): value is { pattern: string; flags: string } =>
  typeof value === 'object' && value !== null && 'pattern' in value && 'flags' in value;
