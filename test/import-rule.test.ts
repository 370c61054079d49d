import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, it } from 'node:test';

/**
 * Who may import whom (docs/architecture.md). Everything may import lib/core; nobody imports a composition root; node's own modules
 * are free to all but lib/core, which is pure.
 */
const RULE: Readonly<Record<string, { folders: readonly string[]; packages: readonly string[] }>> = {
  'lib/core': { folders: [], packages: ['zod', 'zod/v4/core'] },
  'lib/readers': { folders: [], packages: ['csv-parse/*', 'fast-xml-parser'] },
  'lib/connectors': { folders: ['lib/readers'], packages: ['zod', 'node:path', 'node:url'] },
  'lib/pipeline': { folders: [], packages: ['zod', 'node:crypto', 'jose/*', 'oauth4webapi'] },
  'lib/aws': {
    folders: ['lib/pipeline'],
    packages: ['zod', 'jose/*', '@aws-sdk/*', '@aws-lambda-powertools/*', 'node:*', 'aws-lambda'],
  },
  'lib/read': { folders: [], packages: ['zod', '@aws-sdk/*', 'node:*'] },
  'lib/load': { folders: ['lib/read'], packages: ['zod', '@duckdb/*', 'pg', 'pg-copy-streams', 'node:*'] },
  'lib/infra': {
    folders: ['lib/connectors'],
    packages: ['aws-cdk-lib/*', 'constructs', 'cdk-nag', 'esbuild', 'zod', 'node:*'],
  },
  'lib/simulator': { folders: ['lib/connectors'], packages: ['zod', 'node:*'] },
  'lib/local': {
    folders: ['lib/infra', 'lib/connectors', 'lib/simulator'],
    packages: ['zod', 'dynalite', 'node:*'],
  },
  // What `headgate init` writes: it stands in the user's project, and knows the package by its doors.
  'lib/templates': { folders: [], packages: ['headgate/*', 'zod', 'node:*'] },
  functions: {
    folders: ['lib/connectors', 'lib/pipeline', 'lib/aws', 'lib/load', 'lib/read'],
    packages: ['zod', '#connector', '@middy/*', '@aws-sdk/*', '@aws-lambda-powertools/*', 'aws-lambda'],
  },
  bin: { folders: ['*'], packages: ['*'] },
};

const ROOT = join(import.meta.dirname, '..');
const sources = globSync('{lib,functions,bin}/**/*.ts', { cwd: ROOT }).map((file) => file.split(sep).join('/'));

const IMPORT = /^(?:import|export)\b[^;']*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;
const specifiers = (file: string): string[] =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(IMPORT)].map(
    ([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '',
  );

const folderOf = (file: string): string =>
  file.startsWith('lib/') ? file.split('/').slice(0, 2).join('/') : (file.split('/')[0] ?? '');
const target = (file: string, specifier: string): string =>
  normalize(join(dirname(file), specifier))
    .split(sep)
    .join('/');
const matches = (pattern: string, name: string): boolean =>
  pattern === '*' ||
  pattern === name ||
  (pattern.endsWith('/*') && name.startsWith(pattern.slice(0, -1))) ||
  (pattern === 'node:*' && name.startsWith('node:'));

function forbidden(file: string, specifier: string): boolean {
  const rule = RULE[folderOf(file)];
  if (rule === undefined) return true;
  if (!specifier.startsWith('.')) return !rule.packages.some((pattern) => matches(pattern, specifier));
  const to = target(file, specifier);
  const folder = folderOf(to);
  return (
    folder !== folderOf(file) && folder !== 'lib/core' && !rule.folders.some((pattern) => matches(pattern, folder))
  );
}

/**
 * The floors of a folder, from bottom to top. A file imports files of its own room and of lower floors, never of another room on its own floor. Files that lie
 * directly in the folder are rooms of their own; those that are not listed stand below all others.
 */
const FLOORS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'lib/core': [['response', 'limits'], ['auth'], ['connector'], ['listing'], ['verdict']],
  'lib/pipeline': [
    ['store', 'limits'],
    ['credentials', 'tasks'],
    ['tree', 'requests', 'consent'],
    ['records'],
    ['listing'],
    ['sync'],
    ['work.ts'],
  ],
  bin: [['cli'], ['commands'], ['headgate.ts']],
};

const roomOf = (folder: string, file: string): string => file.slice(folder.length + 1).split('/')[0] ?? '';
const floorOf = (folder: string, room: string): number =>
  (FLOORS[folder] ?? []).findIndex((rooms) => rooms.includes(room));

/** Whether an import leads to another room on the same or on a higher floor of the same folder. */
function climbs(file: string, to: string): boolean {
  const folder = Object.keys(FLOORS).find((each) => file.startsWith(`${each}/`) && to.startsWith(`${each}/`));
  if (folder === undefined) return false;
  const [from, target] = [roomOf(folder, file), roomOf(folder, to)];
  if (from === target) return false;
  const floors = [floorOf(folder, from), floorOf(folder, target)] as const;
  return floors[1] > floors[0] || (floors[1] === floors[0] && floors[0] >= 0);
}

describe('the import rule', () => {
  it('knows every folder', () => {
    assert.ok(sources.length > 50);
    assert.deepEqual(
      [...new Set(sources.map(folderOf))].filter((folder) => RULE[folder] === undefined),
      [],
    );
  });

  it('is kept by every import', () => {
    const broken = sources.flatMap((file) =>
      specifiers(file)
        .filter((name) => forbidden(file, name))
        .map((name) => `${file} imports ${name}`),
    );
    assert.deepEqual(broken, []);
  });

  it('refuses what it should', () => {
    assert.ok(forbidden('lib/core/response/judge.ts', 'node:fs'));
    assert.ok(forbidden('lib/core/response/judge.ts', '../../pipeline/tree/tree.ts'));
    assert.ok(forbidden('lib/pipeline/tree/tree.ts', '../../aws/table.ts'));
    assert.ok(forbidden('lib/aws/table.ts', '../../functions/runtime.ts'));
  });

  it('leads down, never up, inside of a folder', () => {
    const upward = sources.flatMap((file) =>
      specifiers(file)
        .filter((name) => name.startsWith('.') && climbs(file, target(file, name)))
        .map((name) => `${file} imports ${name}`),
    );
    assert.deepEqual(upward, []);
  });

  it('would see an import that leads up', () => {
    assert.ok(climbs('lib/pipeline/tree/tree.ts', 'lib/pipeline/sync/close-sync.ts'));
    assert.ok(climbs('lib/pipeline/ports.ts', 'lib/pipeline/store/node.ts'));
    assert.ok(!climbs('lib/pipeline/sync/close-sync.ts', 'lib/pipeline/tree/tree.ts'));
  });

  it('leaves no cycle', () => {
    const edges = new Map(
      sources.map((file) => [
        file,
        specifiers(file)
          .filter((name) => name.startsWith('.'))
          .map((name) => target(file, name)),
      ]),
    );
    assert.deepEqual(findCycle(edges), []);
  });

  it('would see a cycle', () => {
    assert.deepEqual(
      findCycle(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
      ['b', 'c', 'b'],
    );
  });
});

it('the core is synchronous, and reads neither clock, chance nor process', () => {
  const impure = /\basync\b|\bawait\b|Date\.now|new Date\(\)|Math\.random|\bprocess\.|\bfetch\(/;
  const broken = sources.filter((file) => file.startsWith('lib/core/') && impure.test(withoutComments(file)));
  assert.deepEqual(broken, []);
});

const withoutComments = (file: string): string =>
  readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');

function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return [];
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle.length > 0) return cycle;
    }
    done.add(node);
    return [];
  };
  for (const node of edges.keys()) {
    const cycle = visit(node, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
