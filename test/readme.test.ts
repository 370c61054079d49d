import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const read = (page: string): string => readFileSync(join(import.meta.dirname, '..', page), 'utf8');

it('the README fits one screen', () => {
  assert.ok(read('README.md').trimEnd().split('\n').length <= 60);
});

it('each page of the reading order leads to the next', () => {
  const order = [...read('docs/README.md').matchAll(/^\d+\. \[[^\]]+\]\(([\w-]+\.md)\)/gm)].map(
    ([, page = '']) => page,
  );
  assert.equal(order.length, 8);
  order.slice(0, -1).forEach((page, index) => {
    const [, next] = /^Next: \[[^\]]+\]\(([\w-]+\.md)\)\.\n?$/m.exec(read(`docs/${page}`)) ?? [];
    assert.equal(next, order[index + 1], page);
  });
});
