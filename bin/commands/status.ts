import type { Command } from 'commander';
import { DAY, HOUR, MINUTE, SECOND } from '../../lib/core/time.ts';
import { connectionKey, unknownConnection } from '../cli/connection.ts';
import { type OperatorOptions, operatorCommand } from '../cli/options.ts';
import { type Column, showRows, wrapOnTerminal } from '../cli/output.ts';
import { type OperatedStack, withStack } from '../cli/stack.ts';
import { type StreamRow, streamRows } from '../cli/stream-rows.ts';

/** More schedules than this without a complete sync are too many: the alarm's own threshold. */
const STALE = 3;
/** So many rows are shown at once; of more, only those that somebody should look at. */
const SHOWN = 50;

/** `headgate status`: is anything missing, how stale is it, what waits? */
export function status(program: Command): void {
  operatorCommand(program, 'status', 'How every stream stands: its last verdict, how fresh it is, what runs.')
    .argument('[connector]', 'only this connector')
    .argument('[connection]', 'only this connection of it')
    .option('--all', 'every stream, also where there are many')
    .action((connector: string | undefined, connection: string | undefined, options: Options) =>
      withStack(options, (stack) => show(stack, connector, connection, options)),
    );
}

type Options = OperatorOptions & { readonly all?: boolean };

async function show(
  stack: OperatedStack,
  only: string | undefined,
  connection: string | undefined,
  options: Options,
): Promise<void> {
  for (const name of only === undefined ? await stack.deployed() : [only]) {
    const connector = await stack.connector(name);
    if (
      connection !== undefined &&
      (await connector.connections.get(connectionKey(connector, connection))) === undefined
    )
      throw unknownConnection(name, connection);
    const rows = await streamRows(connector, connection);
    const [tasks, failures] = [await connector.tasksReader.counts(), await connector.failuresReader.counts()];
    if (!options.json) {
      const [paused, troubled] = [rows.filter(({ status }) => status === 'paused'), rows.filter(isTroubled)];
      const facts = [
        `${rows.length} ${rows.length === 1 ? 'stream' : 'streams'}`,
        `${troubled.length} to look at`,
        `${paused.length} paused`,
        `tasks: ${tasks.visible} ready, ${tasks.inFlight} in work, ${tasks.delayed} later`,
        `failures waiting: ${failures.visible + failures.inFlight}`,
      ];
      process.stdout.write(`${wrapOnTerminal(`${name}: ${facts.join(' · ')}`, 2)}\n`);
    }
    const many = rows.length > SHOWN && !options.all && !options.json;
    const none =
      rows.length === 0
        ? `It has no connections: npx headgate connections add ${name} main ${stack.option}`
        : 'Nothing to look at.';
    showRows(many ? rows.filter(isTroubled) : rows, COLUMNS, options, none);
  }
}

const isTroubled = ({ status, verdict, accepted, staleness }: StreamRow): boolean =>
  status === 'active' && ((verdict === 'INCOMPLETE' && accepted === null) || (staleness ?? 0) > STALE);

const COLUMNS: readonly Column<StreamRow>[] = [
  { title: 'CONNECTION', of: ({ connection }) => connection },
  { title: 'STREAM', of: ({ stream }) => stream },
  {
    title: 'LAST SYNC',
    of: ({ verdict, accepted }) => `${verdict ?? 'none yet'}${accepted === null ? '' : ', accepted'}`,
  },
  { title: 'FRESH', of: ({ freshAt }) => (freshAt === null ? 'never' : `${ago(freshAt)} ago`) },
  {
    title: '÷ SCHEDULE',
    of: ({ staleness }) => (staleness === null ? '' : `${staleness}${staleness > STALE ? ' !' : ''}`),
    right: true,
  },
  { title: 'NOW', of: now },
  { title: 'WHY', of: ({ why, accepted }) => accepted ?? why ?? '' },
];

function now({ status, reason, running, runningSince, waitsUntil }: StreamRow): string {
  const state = status === 'active' ? '' : `${status}${reason === null ? '' : `: ${reason}`}`;
  if (running === null) return state === '' ? 'idle' : state;
  const runs = runningSince === null ? 'starting' : `runs for ${ago(runningSince)}`;
  return [runs, waitsUntil === null ? '' : `waits until ${waitsUntil}`, state].filter((text) => text !== '').join(', ');
}

const UNITS = [
  [DAY, 'd'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
  [SECOND, 's'],
] as const;

/** How long ago a time was, in its largest unit: `3 h`. */
function ago(iso: string): string {
  const passed = Math.max(0, Date.now() - Date.parse(iso));
  const [millis, unit] = UNITS.find(([size]) => passed >= size) ?? [SECOND, 's'];
  return `${Math.floor(passed / millis)} ${unit}`;
}
