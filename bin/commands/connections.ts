import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { connectionState } from '../../lib/pipeline/credentials/account.ts';
import { connectionKey, unknownConnection } from '../cli/connection.ts';
import type { OperatedConnector } from '../cli/deployed-connector.ts';
import { UsageError } from '../cli/errors.ts';
import { type OperatorOptions, operatorCommand } from '../cli/options.ts';
import { type Column, showRows } from '../cli/output.ts';
import { readParameters } from '../cli/parameters.ts';
import { secretGiven } from '../cli/secret.ts';
import { type OperatedStack, withStack } from '../cli/stack.ts';

type Options = OperatorOptions & { readonly param?: readonly string[]; readonly newAccount?: boolean };

/** `headgate connections`: the accounts of a connector. */
export function connections(program: Command): void {
  const group = program
    .command('connections')
    .description('The accounts that a connector syncs: list, add, set, remove.');

  operatorCommand(group, 'list', 'Every connection, with its status.')
    .argument('[connector]', 'only those of this connector')
    .action((connector: string | undefined, options: Options) =>
      withStack(options, async (stack) => {
        showRows(await listed(stack, connector), COLUMNS, options, 'There are no connections.');
      }),
    );

  changing(operatorCommand(group, 'add', 'Add an account of a connector. Its syncs start with the next tick.')).action(
    (name: string, connection: string, options: Options) =>
      withStack(options, async (stack) => {
        const connector = await stack.connector(name);
        const params = readParameters(connector.connector, options.param ?? []);
        const added = await connector.connections.create(connectionKey(connector, connection), {
          params: JSON.stringify(params),
          status: 'active',
          // What an earlier connection of this name knew is not this one's.
          account: randomUUID(),
        });
        if (!added.ok)
          throw new UsageError(`"${name}" has a connection "${connection}" already. Change it with: connections set`);
        await keepSecret(stack, connector, connection, options);
      }),
  );

  changing(operatorCommand(group, 'set', 'Change the parameters of a connection, its secret, or both.'))
    .option('--new-account', 'the secret is of another account: its watermarks are forgotten, and all is asked for')
    .action((name: string, connection: string, options: Options) =>
      withStack(options, async (stack) => {
        const connector = await stack.connector(name);
        const before = await connector.connections.get(connectionKey(connector, connection));
        if (before === undefined) throw unknownConnection(name, connection);
        if (options.newAccount)
          await connector.connections.update(connectionKey(connector, connection), { set: { account: randomUUID() } });
        if (options.param !== undefined) {
          const kept = JSON.parse(connectionState.parse(before).params);
          const given = Object.entries(kept).map(([key, value]) => `${key}=${text(value)}`);
          const params = JSON.stringify(readParameters(connector.connector, [...given, ...options.param]));
          await connector.connections.update(connectionKey(connector, connection), { set: { params } });
        }
        await keepSecret(stack, connector, connection, options);
      }),
    );

  operatorCommand(group, 'remove', 'Forget a connection. What it delivered, and its secret, stay.')
    .argument('<connector>')
    .argument('<connection>')
    .action((name: string, connection: string, options: Options) =>
      withStack(options, async (stack) => {
        const connector = await stack.connector(name);
        if ((await connector.connections.get(connectionKey(connector, connection))) === undefined)
          throw unknownConnection(name, connection);
        await connector.forget(connection);
      }),
    );
}

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

const changing = (command: Command): Command =>
  command
    .argument('<connector>')
    .argument('<connection>', 'letters, digits, ".", "_", "@", "-"', named)
    .option('--param <name=value>', 'a parameter of the connection (may be repeated)', several)
    .option('--secrets <file>', 'JSON file with the secret; otherwise HEADGATE_SECRET');

/** A connection's name is part of keys, folders and secrets' names. */
function named(value: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(value)) return value;
  throw new UsageError(
    `"${value}" cannot name a connection: it is 1 to 64 letters, digits, ".", "_", "@" or "-", and begins with a letter or a digit.`,
  );
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Stores the secret that was given, if one was. A stack of this machine keeps none. */
async function keepSecret(
  { local }: OperatedStack,
  { connector, settings, putSecret }: OperatedConnector,
  connection: string,
  { secrets }: Options,
): Promise<void> {
  if (connector.auth.kind === 'none' || local) return;
  const given = secretGiven(connector, secrets);
  const name = `${settings.SECRETS_PREFIX}/${connection}`;
  if (given !== undefined) await putSecret(name, given);
  else
    process.stderr.write(
      `Its secret is "${name}" in Secrets Manager. Give it with --secrets, or put it there yourself.\n`,
    );
}

type Row = {
  readonly connector: string;
  readonly connection: string;
  readonly status: string;
  readonly reason: string | null;
  readonly params: unknown;
};

const COLUMNS: readonly Column<Row>[] = [
  { title: 'CONNECTOR', of: ({ connector }) => connector },
  { title: 'CONNECTION', of: ({ connection }) => connection },
  { title: 'STATUS', of: ({ status, reason }) => (reason === null ? status : `${status}: ${reason}`) },
  { title: 'PARAMETERS', of: ({ params }) => JSON.stringify(params) },
];

async function listed(stack: OperatedStack, only: string | undefined): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of only === undefined ? await stack.deployed() : [only]) {
    const { connections, connector } = await stack.connector(name);
    for await (const { sk, ...item } of connections.query(connector.name, '')) {
      const { status, reason = null, params } = connectionState.parse(item);
      rows.push({ connector: name, connection: sk, status, reason, params: JSON.parse(params) });
    }
  }
  return rows;
}
