import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProbeResult } from './run-probes.ts';

const FILE = join(import.meta.dirname, '../../node_modules/.cache/peers/probes.ndjson');

type KeptLine = { readonly title: string; readonly system: string; readonly result: ProbeResult };

/** The results of a run of all probes, kept line by line, so that one that broke off can go on. */
export type KeptResults = {
  readonly find: (title: string, system: string) => ProbeResult | undefined;
  readonly keep: (line: KeptLine) => void;
};

/** `resume`: with the results of the run before. */
export function openKeptResults(resume: boolean): KeptResults {
  mkdirSync(dirname(FILE), { recursive: true });
  if (!resume) rmSync(FILE, { force: true });
  const text = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  const lines: readonly KeptLine[] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return {
    find: (title, system) => lines.find((line) => line.title === title && line.system === system)?.result,
    keep: (line) => appendFileSync(FILE, `${JSON.stringify(line)}\n`),
  };
}
