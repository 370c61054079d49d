import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const REQUIREMENTS = join(import.meta.dirname, 'requirements');
const ENVIRONMENTS = join(import.meta.dirname, '../../node_modules/.cache/peers');

/** A package of PyPI, with everything that it needs pinned in `requirements/<package>.txt`. */
export type PeerPackage = 'dlt' | 'singer-sdk' | 'airbyte-cdk';

/** The interpreter of a peer's virtual environment, which is made when it is not there or its pins have changed. Needs `python3` (3.10 to 3.13) and PyPI. */
export async function peerPython(name: PeerPackage): Promise<string> {
  const folder = join(ENVIRONMENTS, name);
  const python = join(folder, 'bin/python');
  const installed = join(folder, 'installed.txt');
  const pins = readPins(name);
  if (existsSync(installed) && readFileSync(installed, 'utf8') === pins) return python;
  console.error(`${name}: installing ${peerVersion(name)} from PyPI`);
  mkdirSync(ENVIRONMENTS, { recursive: true });
  await run('python3', ['-m', 'venv', '--clear', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', join(REQUIREMENTS, `${name}.txt`)]);
  writeFileSync(installed, pins);
  return python;
}

export function peerVersion(name: PeerPackage): string {
  const [, version] = new RegExp(`^${name}==(.*)$`, 'm').exec(readPins(name)) ?? [];
  if (version === undefined) throw new Error(`requirements/${name}.txt must pin ${name}`);
  return version;
}

const readPins = (name: PeerPackage): string => readFileSync(join(REQUIREMENTS, `${name}.txt`), 'utf8');
