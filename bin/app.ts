import { buildApp } from '../lib/infra/app.ts';
import { UsageError } from './cli/errors.ts';
import { loadConfig } from './cli/load-config.ts';

try {
  buildApp(await loadConfig()).synth();
} catch (error) {
  process.exitCode = 1;
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
}
