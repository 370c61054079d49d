import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { makePrivateFolder } from './private-folder.ts';

/** An assembly that is wanted, and how it is made. */
export type WantedAssembly = {
  /** What it is made of besides files, as JSON. */
  readonly of: unknown;
  /** Makes it in a folder, and gives the absolute paths of the files that it is made of. */
  readonly build: (outdir: string) => Promise<readonly string[]>;
};

/** How many assemblies are kept beside those that may be in use. One has some four megabytes. */
const KEPT = 20;
/** Milliseconds: a run that uses an assembly says so this often; one of which this was not said for so long is in no use. */
const USE_TOLD = 10 * 60_000;
const USE_ENDS = 60 * 60_000;

/** Of each file: how large it is, and when it last changed (ctime, which no tool sets back), in milliseconds. */
const stampsSchema = z.array(z.tuple([z.string(), z.number(), z.number()]));
type Stamps = z.output<typeof stampsSchema>;

/**
 * The folder of an assembly: one that was made before from the very same files, or else a new one. It must not be written to. An
 * assembly of a file that changed while it was made is not used again.
 */
export async function keptAssembly(cache: string, { of, build }: WantedAssembly): Promise<string> {
  makePrivateFolder(cache);
  const key = createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 32);
  const found = readdirSync(cache).find((name) => name.startsWith(`${key}.`) && isFresh(join(cache, name)));
  if (found !== undefined) {
    return inUse(join(cache, found));
  }
  forgetOld(cache);
  // A name of its own: another run may be using the one before.
  const entry = join(cache, `${key}.${randomUUID()}`);
  const unfinished = `${entry}.new`;
  const began = Date.now();
  const stamps = stampsOf(await build(join(unfinished, 'assembly')));
  if (stamps?.every(([, , changed]) => changed < began))
    writeFileSync(join(unfinished, 'files.json'), JSON.stringify(stamps));
  renameSync(unfinished, entry);
  return inUse(entry);
}

/** Where assemblies are kept (https://specifications.freedesktop.org/basedir-spec). */
export const assemblyCache = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'headgate', 'assemblies');

function inUse(entry: string): string {
  // It may be forgotten by another run, whatever this one does.
  const tell = () => existsSync(entry) && utimesSync(entry, new Date(), new Date());
  tell();
  setInterval(tell, USE_TOLD).unref();
  return join(entry, 'assembly');
}

function isFresh(entry: string): boolean {
  try {
    const stamps = stampsSchema.parse(JSON.parse(readFileSync(join(entry, 'files.json'), 'utf8')));
    return JSON.stringify(stampsOf(stamps.map(([path]) => path))) === JSON.stringify(stamps);
  } catch {
    return false;
  }
}

/** `undefined`: one of them is gone. */
function stampsOf(paths: readonly string[]): Stamps | undefined {
  const stamps = [...paths].sort().map((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? undefined : ([path, found.size, found.ctimeMs] satisfies Stamps[number]);
  });
  return stamps.every((stamp) => stamp !== undefined) ? stamps : undefined;
}

function forgetOld(cache: string): void {
  const entries = readdirSync(cache)
    .map((name) => ({ name, used: statSync(join(cache, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.used - a.used);
  for (const { name, used } of entries.slice(KEPT))
    if (Date.now() - used > USE_ENDS) rmSync(join(cache, name), { recursive: true, force: true });
}
