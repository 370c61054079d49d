import type { Command } from 'commander';
import { type OperatorOptions, operatorCommand } from '../operator-command.ts';
import { withStack } from '../stack.ts';
import { keyOf, unknown } from './connections.ts';

/** What an item says of a pause, besides its status. */
export const PAUSE = ['reason', 'pausedBy', 'code', 'cause', 'pauseId', 'pausedAt'];

/** `headgate pause` and `headgate resume`: whether a connection's syncs start. */
export function pause(program: Command): void {
  operatorCommand(program, 'pause', 'Fetch nothing more for a connection until it is resumed. What is under way waits.')
    .argument('<connector>')
    .argument('<connection>')
    .option('--reason <text>', 'why, for whoever looks at it next', 'paused by an operator')
    .action((name: string, connection: string, options: OperatorOptions & { readonly reason: string }) =>
      withStack(options, async (stack) => {
        const connector = await stack.connector(name);
        const change = { set: { status: 'paused', reason: options.reason, pausedBy: 'operator' } };
        const { ok } = await connector.connections.update(keyOf(connector, connection), change);
        if (!ok) throw unknown(name, connection);
      }),
    );

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
        const change = { set: { status: 'active' }, remove: PAUSE };
        const { ok } = await connector.connections.update(keyOf(connector, connection), change);
        if (!ok) throw unknown(name, connection);
      }),
    );
}
