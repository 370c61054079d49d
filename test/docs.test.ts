import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const pages = globSync('{README.md,CHANGELOG.md,docs/**/*.md,lib/**/README.md,bin/**/README.md}', { cwd: ROOT }).map(
  (file) => file.split(sep).join('/'),
);
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

const PATH = /`((?:lib|bin|functions|test|docs|bench)\/[\w./-]+)`/g;
const LINK = /\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)/g;

/** The paths that a page names in backticks, from the root of the repository. */
const pathsIn = (text: string): string[] => [...text.matchAll(PATH)].flatMap(([, path]) => path ?? []);

/** GitHub's anchor of a heading: lower case, without punctuation, hyphens for spaces. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(' ', '-');
const anchorsIn = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));

describe('the documentation', () => {
  it('names only paths that exist', () => {
    const missing = pages.flatMap((page) =>
      pathsIn(read(page))
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${page}: ${path}`),
    );
    assert.deepEqual(missing, []);
  });

  it('links only to files and headings that exist', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(LINK)].flatMap(([, path = '', anchor]) => {
        const target = path === '' ? page : join(dirname(page), path);
        if (!existsSync(join(ROOT, target))) return [`${page}: ${path}`];
        return anchor === undefined || anchorsIn(read(target)).includes(anchor) ? [] : [`${page}: ${path}#${anchor}`];
      }),
    );
    assert.deepEqual(broken, []);
  });

  it('would see a path that is gone', () => {
    const [path = ''] = pathsIn('… where is it? `lib/core/nowhere.ts`');
    assert.ok(!existsSync(join(ROOT, path)));
    assert.ok(pathsIn(read('docs/architecture.md')).length >= 30);
  });
});

describe('each folder of the core, the pipeline and the command line', () => {
  const folders = globSync(['lib/core/*/', 'lib/pipeline/*/', 'bin/cli/'], { cwd: ROOT });

  it('has a README of at most 20 lines', () => {
    assert.ok(folders.length >= 17);
    for (const folder of folders) {
      const readme = join(folder, 'README.md');
      assert.ok(existsSync(join(ROOT, readme)), `${folder} has no README`);
      assert.ok(read(readme).trimEnd().split('\n').length <= 20, `${readme} has more than 20 lines`);
    }
  });
});
