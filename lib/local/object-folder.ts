import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { atPlace } from './disk-error.ts';

/**
 * Objects as plain files: the object `a/b` is the file `a/b` of the folder, so one can look at what a run stored. An
 * object is written beside the folder and then linked in under its name, so that no half-written one is ever seen,
 * whenever the process is killed. One limit that S3 does not have: a key cannot also be the folder of another key.
 *
 * The calls are synchronous: for files of a part's size that takes a fifth of the time and of the CPU.
 */
export type ObjectFolder = {
  /** Stores an object unless its key is taken, and says whether it did. */
  create(key: string, body: Uint8Array): boolean;
  /** Stores an object, in place of one that may be there. */
  put(key: string, body: Uint8Array): void;
  get(key: string): Buffer | undefined;
  remove(key: string): void;
  /** The objects whose key begins with the prefix, in the order of the keys' UTF-8 bytes. */
  list(prefix: string): StoredObject[];
};

export type StoredObject = { readonly key: string; readonly size: number; readonly modified: Date };

/** Opens the folder, which is made if it is missing. Its methods take only keys for which `isKey` holds. */
export function openObjectFolder(folder: string): ObjectFolder {
  const incoming = `${folder}.incoming`;
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  mkdirSync(folder, { recursive: true });

  /** Writes the body to a file of its own and hands that over; what is left of it afterwards is deleted. */
  const withFile = <T>(body: Uint8Array, use: (file: string) => T): T => {
    const file = join(incoming, randomUUID());
    try {
      atPlace(folder, () => writeFileSync(file, body));
      return use(file);
    } finally {
      rmSync(file, { force: true });
    }
  };
  const path = (key: string) => join(folder, ...key.split('/'));

  return {
    create: (key, body) =>
      withFile(
        body,
        (file) => unless('EEXIST', () => inFolder(path(key), (target) => linkSync(file, target))) !== 'EEXIST',
      ),
    put: (key, body) => withFile(body, (file) => inFolder(path(key), (target) => renameSync(file, target))),
    get: (key) => {
      const body = unless('ENOENT', () => readFileSync(path(key)));
      return body === 'ENOENT' ? undefined : body;
    },
    remove: (key) => rmSync(path(key), { force: true }),
    list: (prefix) => {
      const top = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      if (top !== '' && !isKey(`${top}x`)) return [];
      const entries = unless('ENOENT', () => readdirSync(join(folder, top), { recursive: true, withFileTypes: true }));
      return (entries === 'ENOENT' ? [] : entries)
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
        .filter((key) => key.startsWith(prefix))
        .sort(compareKeys)
        .map((key) => describe(key, path(key)));
    },
  };
}

/** Whether a key can be a path below the folder: no empty segment, none that leads elsewhere, none too long for a file name. */
export const isKey = (key: string): boolean => !key.includes('\0') && key.split('/').every(isFileName);

const isFileName = (segment: string): boolean =>
  !['', '.', '..'].includes(segment) && !(sep === '\\' && segment.includes('\\')) && Buffer.byteLength(segment) <= 255;

/** Keys are in the order of their UTF-8 bytes. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function describe(key: string, path: string): StoredObject {
  const { size, mtime } = statSync(path);
  return { key, size, modified: mtime };
}

/** Runs `use` on a path, whose folder is made only if it turns out to be missing. */
function inFolder(path: string, use: (path: string) => void): void {
  if (unless('ENOENT', () => use(path)) !== 'ENOENT') return;
  mkdirSync(dirname(path), { recursive: true });
  use(path);
}

/** What `run` returns, or the code if it failed with that one. */
function unless<T, C extends string>(code: C, run: () => T): T | C {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return code;
    throw error;
  }
}
