import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Stack } from 'aws-cdk-lib/core';
import * as z from 'zod';
import { buildApp } from '../../lib/infra/app.ts';
import { stages } from '../../lib/infra/stage.ts';
import erp, { connectorOf } from './erp.ts';
import { temporaryFolder } from './example.ts';

/** Writes an app's templates. Returns them by stack, with the folder they are in. */
function synthesize(options: { validate?: boolean } = {}) {
  const outdir = temporaryFolder();
  const file = fileURLToPath(import.meta.resolve('./erp.ts'));
  const app = buildApp({ stages: Object.values(stages), connectors: [{ connector: erp, file }], outdir, ...options });
  const { stacks } = app.synth();
  return {
    outdir,
    stacks,
    templates: stacks.map(({ stackName, templateFullPath }) => [stackName, readFileSync(templateFullPath, 'utf8')]),
  };
}
const first = synthesize({ validate: true });

test('every stage has a stack for its state, one for each connector, and one for its dashboard', () => {
  assert.deepEqual(first.stacks.map(({ stackName }) => stackName).sort(), [
    'headgate-dev-dashboard',
    'headgate-dev-erp',
    'headgate-dev-state',
    'headgate-prod-dashboard',
    'headgate-prod-erp',
    'headgate-prod-state',
  ]);
});

test('no stack names an account or a region, so none is needed to write its template', () => {
  for (const { environment } of first.stacks) {
    assert.deepEqual([environment.account, environment.region], ['unknown-account', 'unknown-region']);
  }
});

const finding = z.object({
  ruleName: z.string(),
  violatingConstructs: z.array(z.object({ constructPath: z.string() })),
});
const report = z.object({ pluginReports: z.array(z.object({ violations: z.array(finding) })) });
const findingsIn = (outdir: string): string[] =>
  report
    .parse(JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')))
    .pluginReports.flatMap(({ violations }) =>
      violations.flatMap(({ ruleName, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
      ),
    );

test('neither CDK nor the rules of AWS’s own solutions find anything to complain about', () => {
  assert.deepEqual(findingsIn(first.outdir), []);
});

test('both would complain', () => {
  const outdir = temporaryFolder();
  const app = buildApp({ stages: [], connectors: [], outdir });
  new Bucket(new Stack(app, 'bad'), 'Bucket', { enforceSSL: true });
  assert.throws(() => app.synth(), /Validation failed/);
  assert.deepEqual(findingsIn(outdir), ['AwsSolutions-S1 at bad/Bucket/Resource']);
});

test('a connector cannot take a name of Headgate’s own: its objects would expire with the kept responses', () => {
  for (const name of ['state', 'dashboard', 'responses']) {
    const connector = connectorOf(name, { orders: '1 day' });
    assert.throws(() => buildApp({ stages: [], connectors: [{ connector, file: 'own.ts' }] }), {
      message: `A connector's name must be none of state, dashboard, responses (got "${name}"): Headgate uses them itself. Call it something else.`,
    });
  }
});

test('the same inputs give the same templates, also without validation and from another folder', () => {
  const home = process.cwd();
  process.chdir(temporaryFolder());
  try {
    assert.deepEqual(synthesize({ validate: false }).templates, first.templates);
  } finally {
    process.chdir(home);
  }
});

test('the code of a function is where its template says, under the name that its handler says', () => {
  const assets = readdirSync(first.outdir).filter((name) => name.startsWith('asset.'));
  const keys = new Set(JSON.stringify(first.templates).match(/[0-9a-f]{64}(?=\.zip)/g));
  assert.deepEqual(
    assets,
    [...keys].map((key) => `asset.${key}`),
  );
  for (const asset of assets) {
    assert.deepEqual(readdirSync(join(first.outdir, asset)).sort(), ['housekeeping.mjs', 'work.mjs']);
  }
});
