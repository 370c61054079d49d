import type { Command } from 'commander';
import { connectionKey, PAUSE_ATTRIBUTES, unknownConnection } from '../cli/connection.ts';
import { type OperatorOptions, operatorCommand } from '../cli/options.ts';
import { withStack } from '../cli/stack.ts';

/** `headgate pause`: the connection's syncs do not start. */
export function pause(program: Command): void {
  operatorCommand(program, 'pause', 'Fetch nothing more for a connection until it is resumed. What is under way waits.')
    .argument('<connector>')
    .argument('<connection>')
    .option('--reason <text>', 'why, for the next person who looks at it', 'paused by an operator')
    .action((name: string, connection: string, options: OperatorOptions & { readonly reason: string }) =>
      withStack(options, async (stack) => {
        const connector = await stack.connector(name);
        const change = { set: { status: 'paused', reason: options.reason, pausedBy: 'operator' } };
        const { ok } = await connector.connections.update(connectionKey(connector, connection), change);
        if (!ok) throw unknownConnection(name, connection);
      }),
    );
}

/** `headgate resume`: the connection's syncs start again. */
export function resume(program: Command): void {
  operatorCommand(
    program,
    'resume',
    'Let a paused connection go on: new syncs from the next tick, those that waited with the next housekeeping.',
  )
    .argument('<connector>')
    .argument('<connection>')
    .action((name: string, connection: string, options: OperatorOptions) =>
      withStack(options, async (stack) => {
        const connector = await stack.connector(name);
        const change = { set: { status: 'active' }, remove: PAUSE_ATTRIBUTES };
        const { ok } = await connector.connections.update(connectionKey(connector, connection), change);
        if (!ok) throw unknownConnection(name, connection);
      }),
    );
}
