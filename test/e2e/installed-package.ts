import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

/** The package as a user has it, in a folder of his own. */
export type InstalledPackage = {
  readonly tarball: string;
  /** Runs a command there, and gives all that it wrote. Rejects where it fails. */
  user(command: string, ...args: readonly string[]): Promise<string>;
};

/** Packs the repository, and installs the tarball in an empty folder by npm. `env` is added to the environment of the user. */
export async function installPackage(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<InstalledPackage> {
  const user = async (command: string, ...args: readonly string[]): Promise<string> => {
    const options = { cwd: folder, env: { ...userEnvironment(), ...env }, maxBuffer: 64 * 1024 * 1024 };
    const { stdout, stderr } = await promisify(execFile)(command, args, options);
    return `${stdout}${stderr}`;
  };
  const packed = spawnSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(packed.status, 0, packed.stderr);
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '');
  await user('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', tarball);
  return { tarball, user };
}

/** Node and npm, and nothing of the repository on the PATH. */
function userEnvironment(): NodeJS.ProcessEnv {
  // Of a test runner's child, a test is no test of its own.
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  const path = (rest.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(ROOT));
  return { ...rest, PATH: [dirname(process.execPath), ...path].join(delimiter), npm_config_loglevel: 'warn' };
}
