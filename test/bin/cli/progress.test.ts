import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it, type TestContext } from 'node:test';
import { logLines, showProgress } from '../../../bin/cli/progress.ts';

const SYNC = { connection: 'main', stream: 'orders', sync: '20261122T115900000Z' };
const fetched = { message: 'pages fetched', ...SYNC, pages: 1, records: 100 };

/** What is written outside a terminal, its times left out, while this happens. Time stands still unless it is moved. */
function told(t: TestContext, happen: (take: (line: object) => void) => void): string {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.parse('2026-11-22T12:00:00Z') });
  const out = new PassThrough();
  const progress = showProgress(out, { streams: ['orders'], uses: [] });
  happen(progress.take);
  progress.end();
  t.mock.timers.reset();
  const text = String(out.read() ?? '');
  for (const line of text.split('\n').slice(0, -1)) assert.match(line, /^2026-11-22T12:\d\d:\d\dZ /);
  return text.replace(/^\S+ /gm, '');
}
const toldOf = (t: TestContext, ...lines: readonly object[]) => told(t, (take) => lines.forEach(take));

it('a wait that somebody would wonder about is told, once', (t) => {
  const held = { message: 'meter held', meter: 'shop/secret', reason: 'refused', seconds: 7_200 };
  assert.equal(toldOf(t, held, held), 'the API asks for patience: the next request leaves in 7200 s\n');
  const silent = { ...held, reason: 'silence' };
  assert.equal(toldOf(t, silent), 'the API does not answer: the next request leaves in 7200 s\n');
  assert.equal(toldOf(t, { ...held, seconds: 4 }), '');
  const parked = { message: 'sync parked', ...SYNC, until: '2026-11-22T20:00:00.000Z' };
  assert.equal(toldOf(t, parked), 'orders waits until 2026-11-22T20:00:00.000Z\n');
});

it('a worker that failed is told in one line', (t) => {
  const failed = { message: 'task failed', kind: 'page', messages: 1, reason: 'out of luck\n    at somewhere' };
  assert.equal(toldOf(t, failed, failed), 'a worker failed, its work is tried again: out of luck\n');
});

it('outside a terminal a line is written when something has changed, at most every ten seconds', (t) => {
  const text = told(t, (take) => {
    for (let second = 0; second < 25; second++) {
      take(fetched);
      t.mock.timers.tick(1_000);
    }
    t.mock.timers.tick(60_000);
  });
  assert.deepEqual(
    text.split('\n').map((line) => line.replace(/, [\d.]+\/s$/, '')),
    [
      'orders: 10 pages, 1,000 records',
      'orders: 20 pages, 2,000 records',
      'orders: 25 pages, 2,500 records (waits for an answer)',
      '',
    ],
  );
});

it('a terminal gets a block that changes in place, and is left clean', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const out = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  const progress = showProgress(out, { streams: ['orders', 'items'], uses: [] });
  progress.take(fetched);
  t.mock.timers.tick(100);
  const shown = String(out.read());
  assert.match(shown, /orders {2}·+ {2}1 pages {2}1\.0\/s\n/);
  assert.match(shown, /items {3}·+ {2}0 pages/);
  progress.end();
  const eraseLine = '\u001b[2K';
  assert.ok(String(out.read()).includes(`${eraseLine}\u001b[1A${eraseLine}`), 'both lines are erased');
});

it('the log is what the functions wrote, one JSON line for each event', () => {
  const out = new PassThrough();
  const log = logLines(out);
  log.take(fetched);
  log.take(undefined);
  log.take({ _aws: {}, RequestsSent: 1 });
  assert.deepEqual(String(out.read()), `${JSON.stringify(fetched)}\n`);
});
