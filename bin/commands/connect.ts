import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { LINK_LIFE, makeLink } from '../../lib/pipeline/consent/connect.ts';
import { readTokenState } from '../../lib/pipeline/credentials/credentials.ts';
import { forConnection } from '../../lib/pipeline/invocation.ts';
import { connectionKey, unknownConnection } from '../cli/connection.ts';
import { type OperatedConnector, openConnector } from '../cli/deployed-connector.ts';
import { UsageError } from '../cli/errors.ts';
import { loadConnector } from '../cli/load-connector.ts';
import { readParameters } from '../cli/parameters.ts';
import { inScratch } from '../cli/scratch.ts';
import { readSecret } from '../cli/secret.ts';
import { withStack } from '../cli/stack.ts';
import { noteConnector } from '../cli/state-connectors.ts';

type Options = {
  readonly stage?: string;
  readonly state?: string;
  readonly secrets?: string;
  readonly param?: readonly string[];
  readonly port: string;
};

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `headgate connect`: a link with which a person consents, in a browser. */
export function connect(program: Command): void {
  program
    .command('connect')
    .description('Make a link with which a person lets a connection read in their name. It works once, for 15 minutes.')
    .argument('<connector>', 'the name of a connector, or, with --state, the path of a connector file')
    .argument('[connection]', 'which account', 'main')
    .option('--stage <name>', 'the deployed stack of this stage')
    .option('--state <folder>', 'a stack of this machine: waits until the consent is given, and keeps it here')
    .option('--param <name=value>', 'with --state: a parameter of the connection (may be repeated)', several)
    .option(
      '--secrets <file>',
      "with --state: JSON file with the client's secret; otherwise HEADGATE_SECRET, or a prompt",
    )
    .option(
      '--port <number>',
      'with --state: the port of http://127.0.0.1:<port>/callback, if the API wants to know it',
      '0',
    )
    .action(async (name: string, connection: string, options: Options) => {
      if (options.state !== undefined && options.stage === undefined)
        return connectHere(name, connection, options, resolve(options.state));
      return withStack(options, async (stack) => {
        const connector = await stack.connector(name);
        refuseOthers(connector.connector);
        if ((await connector.connections.get(connectionKey(connector, connection))) === undefined)
          throw unknownConnection(name, connection);
        tell(await connector.connectUrl(), await makeLink(forConnection(connector, connection)));
      });
    });
}

function tell(url: string, link: string): void {
  process.stderr.write('Open this link in a browser, or send it to the owner of the account:\n');
  process.stdout.write(`${new URL(link, url).href}\n`);
  process.stderr.write(
    `It works once, for 15 minutes. The API must know its callback: ${new URL('/callback', url).href}\n`,
  );
}

function refuseOthers({ name, auth }: Connector): void {
  if (auth.kind !== 'authorizationCode')
    throw new UsageError(
      `No one has to consent for "${name}": it is authorised by ${auth.kind}, from its secret alone.`,
    );
}

/** On a stack of this machine, whose connect function answers at a loopback address (RFC 8252 section 7.3). */
async function connectHere(nameOrPath: string, connection: string, options: Options, folder: string): Promise<void> {
  const loaded = await loadConnector(nameOrPath);
  const { connector } = loaded;
  refuseOthers(connector);
  const port = Number(options.port);
  if (!(Number.isInteger(port) && port >= 0 && port < 65_536))
    throw new UsageError(`--port ${options.port} is no port: a whole number up to 65535.`);
  const params = readParameters(connector, options.param ?? []);
  const secret = (await readSecret(connector, options.secrets)) ?? '';
  // Loaded late: what can be refused is refused without waiting for CDK.
  const { awsOf, LOCAL, localSecret, startLocal } = await import('../cli/embedded-stack.ts');
  await inScratch(async (scratch) => {
    const secrets = { [localSecret(connector, connection)]: secret };
    const stack = await startLocal({ connectors: [loaded], folder, scratch, secrets, port });
    try {
      await noteConnector(folder, loaded);
      const opened = await openConnector(awsOf(stack), LOCAL, connector);
      await opened.connections.upsert(connectionKey(opened, connection), {
        set: { params: JSON.stringify(params), status: 'active' },
      });
      const before = (await readTokenState(forConnection(opened, connection))).consentAt;
      tell(await opened.connectUrl(), await makeLink(forConnection(opened, connection)));
      await consentOtherThan(opened, connection, before);
    } finally {
      await stack.stop();
    }
  });
  process.stderr.write(`Connected. Now run: headgate run ${nameOrPath} --state ${options.state}\n`);
}

const LOOK_EVERY = 300;

async function consentOtherThan(
  opened: OperatedConnector,
  connection: string,
  before: number | undefined,
): Promise<void> {
  const until = Date.now() + LINK_LIFE;
  while (Date.now() < until) {
    const { consentAt, token } = await readTokenState(forConnection(opened, connection));
    if (consentAt !== before && token !== undefined) return;
    await wait(LOOK_EVERY);
  }
  throw new UsageError('No one consented within 15 minutes. Run the same command again for a new link.');
}
