import { buildApp } from '../lib/infra/app.ts';
import { loadConfig } from './load-config.ts';
import { UsageError } from './usage-error.ts';

try {
  buildApp(await loadConfig()).synth();
} catch (error) {
  process.exitCode = 1;
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
}
