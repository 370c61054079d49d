#!/usr/bin/env node
// Plain JavaScript that any Node can read: an older one is told so, and the repository runs from its sources.
import { existsSync } from 'node:fs';
import module from 'node:module';

// A proxy is what Node itself connects by, since 22.21.
const isProxied = ['http_proxy', 'https_proxy'].some((name) => process.env[name] || process.env[name.toUpperCase()]);
const OLDEST = isProxied ? [22, 21] : [22, 19];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `Node must be ${OLDEST.join('.')} or newer${isProxied ? ' to go by a proxy' : ''} (got ${process.versions.node}). Install a newer one: https://nodejs.org\n`,
  );
  process.exitCode = 1;
} else {
  hushExperiments();
  module.enableCompileCache();
  const source = new URL('./headgate.ts', import.meta.url);
  await import(existsSync(source) ? source : new URL('../dist/bin/headgate.js', import.meta.url));
}

/** Node 22 calls type stripping and SQLite experiments. What is used of them here is stable in Node 24. */
function hushExperiments() {
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => {
    if (rest[0] !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest);
  };
}
