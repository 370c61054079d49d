import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Aws } from '../../lib/aws/open-ports.ts';
import type { Connector } from '../../lib/core/connector/connector.ts';
import type { EmbeddedOptions } from '../../lib/local/embedded.ts';
import { isDeployed, type OperatedConnector, openConnector } from './deployed-connector.ts';
import { explainAws, UsageError } from './errors.ts';
import { loadConfig } from './load-config.ts';
import type { LoadedConnector } from './load-connector.ts';
import { inScratch } from './scratch.ts';
import { secretGiven } from './secret.ts';
import { connectorsOf } from './state-connectors.ts';

/** Which stack a command is about, as the command line says it. */
export type StackOptions = { readonly stage?: string; readonly state?: string; readonly secrets?: string };

/** The stack that a command is about: a deployed one, or one of this machine. */
export type OperatedStack = {
  readonly stage: string;
  /** How the command line names it: `--stage prod`, `--state ./state`. */
  readonly option: string;
  /** Of this machine: its workers, and the messages on its queues, end with the command. */
  readonly local: boolean;
  readonly aws: Aws;
  /** Where the results of a connector lie: a folder, or the URL of a bucket. */
  resultsOf(connector: OperatedConnector): string;
  /** Of this machine: every event that its functions log is heard here. A deployed stack's log is elsewhere. */
  watch(hear: (json: unknown) => void): void;
  /** The declarations of the connectors it may have, by name. */
  readonly connectors: ReadonlyMap<string, Connector>;
  /** Opens one of them. Throws a {@link UsageError} if there is no such connector, or if it is not deployed. */
  connector(name: string): Promise<OperatedConnector>;
  /** The names of those that are deployed. */
  deployed(): Promise<string[]>;
};

/**
 * Does something with the stack that the options name. Everything a command needs of it is found the same way for both kinds:
 * CloudFormation tells the functions, and a function's environment tells the rest.
 */
export async function withStack<T>(options: StackOptions, work: (stack: OperatedStack) => Promise<T>): Promise<T> {
  if ((options.stage === undefined) === (options.state === undefined)) {
    throw new UsageError(
      'Say which stack is meant: --stage <name> for a deployed one, or --state <folder> for one of this machine.',
    );
  }
  return options.state === undefined
    ? withDeployed(options.stage ?? '', work)
    : withLocal(options.state, options.secrets, work);
}

async function withDeployed<T>(stage: string, work: (stack: OperatedStack) => Promise<T>): Promise<T> {
  const { stages, connectors } = await loadConfig();
  if (!stages.some(({ name }) => name === stage)) {
    const names = stages.map(({ name }) => name).join(', ');
    throw new UsageError(`There is no stage "${stage}". There are: ${names}; headgate.config.ts may add others.`);
  }
  const loaded = new Map(connectors.map(({ connector }) => [connector.name, connector]));
  try {
    return await work(
      stackOf({
        stage,
        option: `--stage ${stage}`,
        local: false,
        aws: {},
        connectors: loaded,
        resultsOf: bucketOf,
        watch: () => {},
      }),
    );
  } catch (error) {
    throw explainAws(error);
  }
}

async function withLocal<T>(
  named: string,
  secrets: string | undefined,
  work: (stack: OperatedStack) => Promise<T>,
): Promise<T> {
  const folder = resolve(named);
  const loaded = existsSync(folder) ? await connectorsOf(folder) : [];
  if (loaded.length === 0) {
    throw new UsageError(`"${named}" is no state folder. Make it with: headgate run <connector> --state ${named}`);
  }
  // Loaded late: CDK takes its time, and a deployed stack does not need it.
  const { awsOf, LOCAL, startLocal } = await import('./embedded-stack.ts');
  return inScratch(async (scratch) => {
    const known: Record<string, string> = {};
    let hear = (_json: unknown): void => {};
    const onLog: EmbeddedOptions['onLog'] = ({ json }) => hear(json);
    const embedded = await startLocal({ connectors: loaded, folder, scratch, secrets: known, onLog });
    try {
      const connectors = new Map(loaded.map(({ connector }) => [connector.name, connector]));
      const stack = stackOf({
        stage: LOCAL,
        option: `--state ${named}`,
        local: true,
        aws: awsOf(embedded),
        resultsOf: () => join(named, 'objects'),
        watch: (listener) => {
          hear = listener;
        },
        connectors,
      });
      for (const one of loaded) await giveSecret(stack, one, secrets, known);
      return await Promise.race([work(stack), embedded.broken]);
    } finally {
      await embedded.stop();
    }
  });
}

const bucketOf = ({ settings }: OperatedConnector): string => `s3://${settings.BUCKET}`;

function stackOf(given: Omit<OperatedStack, 'connector' | 'deployed'>): OperatedStack {
  const { aws, stage, connectors } = given;
  return {
    ...given,
    async deployed() {
      const names = [...connectors.keys()];
      const there = await Promise.all(names.map((name) => isDeployed(aws, stage, name)));
      return names.filter((_, index) => there[index]);
    },
    async connector(name) {
      const connector = connectors.get(name);
      if (connector !== undefined) return openConnector(aws, stage, connector);
      throw new UsageError(`There is no connector "${name}". There are: ${[...connectors.keys()].join(', ')}.`);
    },
  };
}

/** A stack of this machine keeps no secret: the one that is given with the command serves all its connections. */
async function giveSecret(
  stack: OperatedStack,
  { connector }: LoadedConnector,
  file: string | undefined,
  known: Record<string, string>,
): Promise<void> {
  const text = secretGiven(connector, file);
  if (text === undefined) return;
  const { connections, settings } = await stack.connector(connector.name);
  for await (const { sk } of connections.query(connector.name, '')) known[`${settings.SECRETS_PREFIX}/${sk}`] = text;
}
