import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchmarksDocument } from '../../../bench/peers/document.ts';

const speed = '## Speed\n\nfast';
const probes = '## What each says when the API misbehaves\n\n### Probe 1\n\nmuch';

test('a part that was not measured stays as it stands', () => {
  const both = benchmarksDocument('', { speed, probes }, []);
  const faster = benchmarksDocument(both, { speed: '## Speed\n\nfaster' }, []);
  assert.ok(faster.includes('faster\n\n## What each says'));
  assert.ok(faster.endsWith('### Probe 1\n\nmuch\n'));
  const more = benchmarksDocument(both, { probes: `${probes} more` }, []);
  assert.ok(more.includes('## Speed\n\nfast\n\n## What'));
  assert.ok(more.endsWith('much more\n'));
});

test('writing the same twice changes nothing', () => {
  const once = benchmarksDocument('', { speed, probes }, []);
  assert.equal(benchmarksDocument(once, {}, []), once);
});
