import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectorFile, projectFiles, projectManifest } from '../../../bin/cli/project-files.ts';

const there = {
  name: 'ours',
  type: 'commonjs',
  scripts: { test: 'jest' },
  dependencies: { headgate: 'file:headgate.tgz', left: '1.0.0' },
};

test('a package.json keeps all that it holds, and gets what it lacks', () => {
  const made = JSON.parse(projectManifest(there, 'other'));
  assert.deepEqual([made.name, made.type, made.scripts], ['ours', 'commonjs', { test: 'jest' }]);
  assert.deepEqual([made.dependencies.headgate, made.dependencies.left], ['file:headgate.tgz', '1.0.0']);
  for (const name of ['zod', 'aws-cdk-lib', 'constructs']) assert.match(made.dependencies[name], /^\^\d/);
  for (const name of ['typescript', 'aws-cdk', '@types/node']) assert.match(made.devDependencies[name], /^\^\d/);
});

test('a second time nothing changes', () => {
  const made = projectManifest({}, 'other');
  assert.equal(projectManifest(JSON.parse(made), 'another'), made);
});

test('a project has its own ignored files, and a connector its own name', () => {
  assert.match(projectFiles().get('.gitignore') ?? '', /^node_modules\/$/m);
  assert.match(connectorFile('shop'), /^ {2}name: 'shop',$/m);
});
