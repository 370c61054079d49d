import type { PeerSystem } from './systems.ts';

export type DocumentParts = { readonly speed?: string | undefined; readonly probes?: string | undefined };

const SPEED = '## Speed';
const PROBES = '## What each says when the API misbehaves';

/** `docs/benchmarks.md`. A part that was not measured stays as it stands in the old document. */
export function benchmarksDocument(old: string, parts: DocumentParts, systems: readonly PeerSystem[]): string {
  return [
    '# Headgate beside its peers',
    '',
    '`npm run bench:peers` writes this page. It needs Python 3.10 or newer and PyPI for the peers; their versions are pinned in `bench/peers/requirements`.',
    '',
    '| system | version | set up as |',
    '|---|---|---|',
    ...systems.map(({ name, title, setup }) => `| ${name} | ${title} | ${setup} |`),
    '',
    `${parts.speed ?? sectionOf(old, SPEED)}\n`,
    `${parts.probes ?? sectionOf(old, PROBES)}\n`,
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

/** A section of the second level, without the line break at its end. Empty where there is none. */
function sectionOf(document: string, title: string): string {
  const start = document.indexOf(`${title}\n`);
  if (start === -1) return '';
  const end = document.indexOf('\n## ', start + 1);
  return document.slice(start, end === -1 ? undefined : end).trimEnd();
}
