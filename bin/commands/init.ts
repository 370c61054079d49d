import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { UsageError } from '../cli/errors.ts';
import { projectFiles, projectManifest } from '../cli/project-files.ts';

/** `headgate init`: a project that runs, is tested, and deploys, to begin from. */
export function init(program: Command): void {
  program
    .command('init')
    .description('Write a project that runs and deploys, and install what it needs. What is there already stays.')
    .argument('[folder]', 'where it is written', '.')
    .option('--no-install', 'only write the files')
    .action((folder: string, { install }: { readonly install: boolean }) => {
      const root = resolve(folder);
      writeManifest(root);
      for (const [path, text] of projectFiles()) writeFresh(root, path, text);
      if (install) installPackages(root);
      const enter = folder === '.' ? '' : `cd ${folder} && `;
      process.stdout.write(`Try it with: ${enter}npx headgate run ./connectors/example.ts\n`);
    });
}

function writeManifest(root: string): void {
  const file = join(root, 'package.json');
  const isThere = existsSync(file);
  const there = isThere ? readManifest(file) : {};
  mkdirSync(root, { recursive: true });
  writeFileSync(file, projectManifest(there, packageName(root)));
  process.stdout.write(`package.json: ${isThere ? 'what it lacked is added' : 'written'}\n`);
  if (there.type !== undefined && there.type !== 'module')
    process.stderr.write(
      `"type" in package.json must be "module" (got ${JSON.stringify(there.type)}). Change it, or the tests cannot be run.\n`,
    );
}

function readManifest(file: string): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new UsageError(`"${file}" must be a JSON object. Mend it, or give another folder.`);
  }
}

/** A name that npm takes (https://docs.npmjs.com/cli/v11/configuring-npm/package-json#name). */
const packageName = (root: string): string =>
  basename(root)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'connectors';

function writeFresh(root: string, path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  const there = existsSync(file);
  if (!there) writeFileSync(file, text, { flag: 'wx' });
  process.stdout.write(`${path}: ${there ? 'there already, left as it is' : 'written'}\n`);
}

function installPackages(root: string): void {
  process.stdout.write('npm install …\n');
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new UsageError('The files are written, but npm install failed. Mend what it says, and type: npm install');
}
