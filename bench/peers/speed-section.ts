import { medianOf } from './median.ts';
import type { SpeedResult, SpeedSample } from './speed.ts';
import type { PeerSystem } from './systems.ts';

/** The speed tables, one for each scenario, as Markdown. Ratios are those of medians, to Headgate's. */
export function speedSection(results: readonly SpeedResult[], systems: readonly PeerSystem[], machine: string): string {
  const runs = Math.max(0, ...results.flatMap(({ samples }) => [...samples.values()].map(({ length }) => length)));
  return [
    '## Speed',
    '',
    `${machine} Medians of ${runs} ${runs === 1 ? 'run' : 'runs'} of the whole command, from start to exit, interleaved round by round. Every run delivered every record exactly once.`,
    '',
    '- Memory is that of all processes of the command together, at their fullest (proportional set sizes).',
    '- `others`: cores that anything else used meanwhile (the median). Compare nothing where it is above 0.3.',
    '- The API runs on the same machine. Pages have 100 records, about 18 kB.',
    ...results.flatMap((result) => ['', ...scenarioTable(result, systems)]),
  ].join('\n');
}

function scenarioTable({ scenario, samples }: SpeedResult, systems: readonly PeerSystem[]): string[] {
  const base = samples.get('headgate') ?? [];
  const of = (all: readonly SpeedSample[], field: keyof SpeedSample): number =>
    medianOf(all.map((sample) => sample[field]));
  const ratio = (all: readonly SpeedSample[], field: keyof SpeedSample): string =>
    base.length === 0 ? '' : (of(all, field) / of(base, field)).toFixed(2);
  const rows = systems.flatMap(({ name, title }) => {
    const all = samples.get(name) ?? [];
    if (all.length === 0) return [];
    const seconds = all.map((sample) => sample.seconds);
    const range = `${Math.min(...seconds).toFixed(1)} – ${Math.max(...seconds).toFixed(1)}`;
    const wall = `${of(all, 'seconds').toFixed(1)} | ${range} | ${ratio(all, 'seconds')}`;
    const cpu = `${of(all, 'cpu').toFixed(1)} | ${ratio(all, 'cpu')}`;
    const memory = `${of(all, 'memory').toFixed(0)} | ${ratio(all, 'memory')}`;
    return [`| ${name} (${title}) | ${wall} | ${cpu} | ${memory} | ${of(all, 'others').toFixed(1)} |`];
  });
  return [
    `### ${scenario.title}`,
    '',
    '| system | wall s | min – max | ÷ Headgate | CPU s | ÷ Headgate | MB | ÷ Headgate | others |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ];
}
