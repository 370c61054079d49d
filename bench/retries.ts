import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Wait, watchFailing } from '../test/pipeline/failing-tasks.ts';
import { json } from '../test/pipeline/world.ts';

/** npm run bench:retries   draws docs/retries.svg: how long 10,000 failing tasks were seen to wait between their attempts. */

const WORLDS = 10;
const TASKS_EACH = 500;
const ATTEMPTS = 4;
const ADVICE = 5;

async function observe(headers: Record<string, string>, seed: number): Promise<Wait[]> {
  const all: Wait[] = [];
  for (let i = 0; i < WORLDS; i++)
    all.push(...(await watchFailing(TASKS_EACH, () => json({}, headers, 500), seed + i)).waits);
  return all;
}

const [PANEL, GAP, HEIGHT, TOP] = [200, 24, 130, 34];
const SECONDS = 2 ** ATTEMPTS;

/** A histogram of the waits after one attempt, in seconds. The line: what full jitter expects. */
function panel(waits: readonly Wait[], attempt: number, advice: number, x: number, y: number): string {
  const seen = waits.filter((wait) => wait.attempt === attempt).map(({ seconds }) => seconds);
  const longest = 2 ** attempt;
  const chance = (second: number): number =>
    second < advice ? 0 : second === advice ? Math.min(1, advice / longest) : second <= longest ? 1 / longest : 0;
  const seconds = Array.from({ length: SECONDS }, (_, i) => i + 1);
  const share = (second: number): number => seen.filter((each) => each === second).length / seen.length;
  const most = Math.max(...seconds.map((second) => Math.max(share(second), chance(second))));
  const width = PANEL / SECONDS;
  const tall = (part: number): number => (part / most) * HEIGHT;
  const bars = seconds.map(
    (s) =>
      `<rect x="${(x + (s - 1) * width + 1).toFixed(1)}" y="${(y + HEIGHT - tall(share(s))).toFixed(1)}" width="${(width - 2).toFixed(1)}" height="${tall(share(s)).toFixed(1)}" fill="#6a9fd4"/>`,
  );
  const line = seconds.flatMap((s) => {
    const level = (y + HEIGHT - tall(chance(s))).toFixed(1);
    return [`${(x + (s - 1) * width).toFixed(1)},${level}`, `${(x + s * width).toFixed(1)},${level}`];
  });
  return [
    ...bars,
    `<polyline points="${line.join(' ')}" fill="none" stroke="#c0392b"/>`,
    `<line x1="${x}" y1="${y + HEIGHT}" x2="${x + PANEL}" y2="${y + HEIGHT}" stroke="#888"/>`,
    `<text x="${x}" y="${y - 6}">after attempt ${attempt} (${seen.length.toLocaleString('en')} waits)</text>`,
    ...[1, SECONDS / 2, SECONDS].map(
      (s) =>
        `<text x="${(x + (s - 0.5) * width).toFixed(1)}" y="${y + HEIGHT + 13}" text-anchor="middle">${s} s</text>`,
    ),
  ].join('\n');
}

const rows = [
  { title: 'no advice', advice: 0, waits: await observe({}, 1) },
  { title: `Retry-After: ${ADVICE}`, advice: ADVICE, waits: await observe({ 'retry-after': String(ADVICE) }, 100) },
];
const [width, row] = [GAP + ATTEMPTS * (PANEL + GAP), HEIGHT + 70];
const body = rows.flatMap(({ title, advice, waits }, r) => [
  `<text x="${GAP}" y="${r * row + 16}" font-weight="bold">${title}</text>`,
  ...Array.from({ length: ATTEMPTS }, (_, i) =>
    panel(waits, i + 1, advice, GAP + i * (PANEL + GAP), r * row + TOP + 8),
  ),
]);
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${rows.length * row}" font-family="sans-serif" font-size="11" fill="#444">
<title>How long failing tasks wait between their attempts</title>
<rect width="100%" height="100%" fill="#fff"/>
${body.join('\n')}
</svg>
`;
writeFileSync(join(import.meta.dirname, '../docs/retries.svg'), svg);
for (const { title, waits } of rows) console.log(`${title}: ${waits.length} waits of ${WORLDS * TASKS_EACH} tasks`);
