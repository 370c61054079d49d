import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../cli/errors.ts';
import { connectorFile } from '../cli/project-files.ts';

/** `headgate new`: a connector file that runs, to begin from. */
export function newConnector(program: Command): void {
  program
    .command('new')
    .description('Write a connector file that runs, to begin from.')
    .argument('<file>', 'where it is written, such as ./connectors/shop.ts; its name becomes the name of the connector')
    .action((file: string) => {
      const name = nameOf(file);
      if (existsSync(file)) throw new UsageError(`"${file}" is there already. Give another name.`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, connectorFile(name), { flag: 'wx' });
      process.stdout.write(
        `${file} is written. The simulator answers for it: npx headgate run ${file}\nThen ask the real API: npx headgate run ${file} --param url=https://…\n`,
      );
    });
}

function nameOf(file: string): string {
  const name = basename(file).replace(/\.ts$/, '');
  if (basename(file) === name) throw new UsageError(`"${file}" must end in .ts.`);
  if (/^[a-z][a-z0-9-]{0,29}$/.test(name)) return name;
  throw new UsageError(
    `"${name}" cannot name a connector: it is lower case letters, digits and "-", at most 30, and begins with a letter.`,
  );
}
