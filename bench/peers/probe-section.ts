import type { ProbeVerdict } from './judge-run.ts';
import type { Probe } from './probe.ts';
import type { ProbeResult } from './run-probes.ts';
import type { PeerSystem, SystemName } from './systems.ts';

export type ProbedSystem = { readonly probe: Probe; readonly results: ReadonlyMap<SystemName, ProbeResult> };

const MEANINGS: Readonly<Record<ProbeVerdict, string>> = {
  all: 'every row came, exit code 0',
  said: 'rows are missing, and the exit code says that something is wrong',
  alarm: 'every row came, but the exit code says that something is wrong',
  loss: '**rows are missing, and the exit code says that all is well**',
  stopped: 'it asked without end, or still ran when its time was over',
};
const VERDICTS: readonly ProbeVerdict[] = ['all', 'said', 'alarm', 'loss', 'stopped'];

/** What each system says when the API misbehaves, as Markdown: counts, a matrix, then every run in full. */
export function probeSection(probed: readonly ProbedSystem[], systems: readonly PeerSystem[]): string {
  const shown = systems.filter(({ name }) => probed.some(({ results }) => results.has(name)));
  const header = (first: string): string[] => [
    `| ${first} | ${shown.map(({ name }) => name).join(' | ')} |`,
    `|---|${shown.map(() => '--:|').join('')}`,
  ];
  const counts = VERDICTS.map((verdict) => {
    const cells = shown.map(
      ({ name }) => probed.filter(({ results }) => results.get(name)?.verdict === verdict).length,
    );
    return `| ${verdict}: ${MEANINGS[verdict]} | ${cells.join(' | ')} |`;
  });
  const matrix = probed.map(({ probe, results }, index) => {
    const cells = shown.map(({ name }) => cell(results.get(name)));
    return `| [${index + 1}](#probe-${index + 1}) ${probe.title} | ${cells.join(' | ')} |`;
  });
  return [
    '## What each says when the API misbehaves',
    '',
    `${probed.length} probes. The API has five pages of rows, and page 3 misbehaves unless said otherwise. Counted are the rows that existed throughout.`,
    '',
    ...header('outcome, probes'),
    ...counts,
    '',
    'Delivered rows, of how many. A loss that the exit code does not tell is bold. †: the API saw something odd, which the details name.',
    '',
    ...header('the API …'),
    ...matrix,
    ...probed.flatMap(({ probe, results }, index) => ['', ...details(probe, results, index + 1, shown)]),
  ].join('\n');
}

function cell(result: ProbeResult | undefined): string {
  if (result === undefined) return '';
  const { verdict, delivered, of, remarks } = result;
  const text = `${verdict} ${delivered}/${of}${remarks.length > 0 ? ' †' : ''}`;
  return verdict === 'loss' ? `**${text}**` : text;
}

function details(
  { title }: Probe,
  results: ProbedSystem['results'],
  number: number,
  systems: readonly PeerSystem[],
): string[] {
  return [
    `### Probe ${number}`,
    '',
    `The API ${title}.`,
    '',
    '| system | rows | repeated | requests | exit | the user is told |',
    '|---|--:|--:|--:|--:|---|',
    ...systems.flatMap(({ name }) => {
      const result = results.get(name);
      if (result === undefined) return [];
      const { delivered, of, repeated, requests, code, stopped, told, remarks } = result;
      const words = told === '' ? 'nothing' : escaped(told);
      const remarked = remarks.length === 0 ? '' : ` (The API sees: it ${remarks.map(escaped).join('; it ')}.)`;
      const exit = code ?? `stopped: ${stopped}`;
      return [`| ${name} | ${delivered}/${of} | ${repeated} | ${requests} | ${exit} | ${words}${remarked} |`];
    }),
  ];
}

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('`', "'");
