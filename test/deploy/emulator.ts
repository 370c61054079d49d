import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../e2e/headgate.ts';
import { until } from '../local/until.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The version that the gaps in `emulator.py` are known of. */
const PACKAGES = ['ministack==1.5.33', 'cryptography'];
/** Python's environment stays, so that only the first run installs it. */
const PYTHON = join(ROOT, 'node_modules/.cache/ministack/bin/python');

export type Emulator = {
  /** What leads the AWS SDK, CDK and the command line to the emulator. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

/** Starts ministack on 127.0.0.1. Its functions run as processes of this very Node. `folder`: where its files and its log lie. */
export async function startEmulator(folder: string): Promise<Emulator> {
  install();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  const child = spawn(PYTHON, [join(import.meta.dirname, 'emulator.py')], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...REGION,
      PATH: `${bin}:${process.env.PATH}`,
      TMPDIR: folder,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_REGION: REGION.AWS_REGION,
    },
  });
  const log = createWriteStream(join(folder, 'emulator.log'));
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const gone = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const answers = (): Promise<boolean> =>
    fetch(`${endpoint}/_ministack/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(answers, 60);
  return {
    env: { ...REGION, AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: '000000000000', AWS_SECRET_ACCESS_KEY: 'test' },
    stop() {
      child.kill();
      return gone;
    },
  };
}

const REGION = { AWS_REGION: 'eu-central-1', AWS_DEFAULT_REGION: 'eu-central-1' };

function install(): void {
  if (existsSync(PYTHON)) return;
  const environment = join(PYTHON, '../..');
  run('python3', ['-m', 'venv', environment]);
  run(PYTHON, ['-m', 'pip', 'install', '--quiet', ...PACKAGES]);
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`The deployment test needs Python 3 with venv and pip: ${error?.message ?? stderr}`);
}
