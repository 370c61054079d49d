import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemRandom } from '../../lib/aws/random.ts';
import type { Random } from '../../lib/pipeline/ports.ts';
import { seededRandom } from '../memory/random.ts';

const many = <T>(make: () => T): T[] => Array.from({ length: 10_000 }, make);

/** What every `Random` does. */
function randomContract(random: Random): void {
  test('numbers fill the range from 0 to 1, evenly', () => {
    const numbers = many(random.number);
    assert.ok(numbers.every((number) => number >= 0 && number < 1));
    for (let tenth = 0; tenth < 10; tenth++) {
      const count = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
      // 1,000 are expected; the standard deviation is 30.
      assert.ok(Math.abs(count - 1_000) < 200, `${count} numbers from ${tenth / 10}`);
    }
  });

  test('ids are letters and digits, and no two are equal', () => {
    const ids = many(random.id);
    for (const id of ids) assert.match(id, /^[A-Za-z0-9]+$/);
    assert.equal(new Set(ids).size, ids.length);
  });
}

describe('Random in memory', () => {
  randomContract(seededRandom(1));

  test('the same seed gives the same sequence, another seed another one', () => {
    const draw = ({ number, id }: Random) => many(() => [number(), id()]);
    assert.deepEqual(draw(seededRandom(7)), draw(seededRandom(7)));
    assert.notDeepEqual(draw(seededRandom(7)), draw(seededRandom(8)));
  });
});

describe('Random of the system', () => {
  randomContract(systemRandom);

  test('an id is long enough for nobody to get it again', () => {
    for (const id of many(systemRandom.id)) assert.equal(id.length, 20);
  });
});
