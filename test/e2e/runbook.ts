import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** The commands of a runbook, as they stand in its blocks of shell. */
export const commandsOf = (runbook: string): string[] =>
  [...readFileSync(join(ROOT, `docs/runbooks/${runbook}.md`), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(
    ([, block = '']) => block.split('\n').filter((line) => line !== ''),
  );

export type Typed = { readonly command: string; readonly code: number | null; readonly output: string };

/**
 * Types the commands of a runbook into a shell, word for word, one after the other. `folder`: where the operator stands; there
 * `npx` leads to the command line of this repository.
 */
export async function follow(
  runbook: string,
  { folder, env }: { readonly folder: string; readonly env: Readonly<Record<string, string>> },
): Promise<Typed[]> {
  const npx = join(folder, 'npx');
  writeFileSync(
    npx,
    `#!/bin/sh\n[ "$1" = headgate ] || exit 127\nshift\nexec '${process.execPath}' '${join(ROOT, 'bin/headgate.ts')}' "$@"\n`,
  );
  chmodSync(npx, 0o755);
  const typed: Typed[] = [];
  for (const command of commandsOf(runbook)) {
    typed.push({ command, ...(await type(command, folder, { ...process.env, ...env })) });
  }
  return typed;
}

async function type(
  command: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  const PATH = `${folder}${delimiter}${env.PATH}`;
  const shell = spawn('sh', ['-c', command], { cwd: folder, env: { ...env, PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve) => shell.on('close', resolve));
  return { code, output };
}
