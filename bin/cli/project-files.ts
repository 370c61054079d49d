import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownManifest, packageRoot } from './package-root.ts';

/** What `headgate init` writes: path in the project → text. */
export const projectFiles = (): ReadonlyMap<string, string> =>
  new Map([
    ['tsconfig.json', json(TSCONFIG)],
    ['cdk.json', json({ app: 'npx --no-install headgate app' })],
    ['headgate.config.ts', template('headgate.config.ts')],
    ['connectors/example.ts', template('connectors/example.ts')],
    ['test/example.test.ts', template('test/example.test.ts')],
    // npm renames a .gitignore of a package.
    ['.gitignore', template('gitignore')],
    ['.github/workflows/headgate.yml', template('workflow/headgate.yml')],
    ['README.md', template('README.md')],
  ]);

/** A connector that runs, to begin from. */
export const connectorFile = (name: string): string =>
  template('connectors/example.ts').replace("name: 'example'", `name: '${name}'`);

/** The project's package.json: what is there stays as it is, what it lacks is added. */
export function projectManifest(there: Readonly<Record<string, unknown>>, name: string): string {
  const { version, dependencies, devDependencies, peerDependencies } = ownManifest();
  const ranges: Readonly<Record<string, string>> = {
    ...dependencies,
    ...devDependencies,
    ...peerDependencies,
    headgate: `^${version}`,
  };
  const pick = (...names: readonly string[]) => Object.fromEntries(names.map((each) => [each, ranges[each]]));
  const wanted = {
    name,
    private: true,
    type: 'module',
    scripts: { test: "tsc && node --test 'test/**/*.test.ts'" },
    dependencies: pick('aws-cdk-lib', 'constructs', 'headgate', 'zod'),
    devDependencies: pick('@types/node', 'aws-cdk', 'typescript'),
    // Packages with a script that npm runs at their installation, which it asks about otherwise.
    allowScripts: { 'classic-level': true, esbuild: true },
  };
  return json(completed(there, wanted));
}

/** Adds what is missing, also inside of the objects that are there. */
function completed(there: object, wanted: object): object {
  const added = Object.entries(wanted).map(([field, value]) => {
    const given: unknown = Reflect.get(there, field);
    if (given === undefined) return [field, value];
    return [field, isObject(given) && isObject(value) ? completed(given, value) : given];
  });
  return { ...there, ...Object.fromEntries(added) };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    lib: ['esnext'],
    types: ['node'],
    module: 'nodenext',
    noEmit: true,
    strict: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  },
  include: ['connectors', 'test', 'headgate.config.ts'],
};

const template = (path: string): string => readFileSync(join(packageRoot(), 'lib/templates', path), 'utf8');
const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
