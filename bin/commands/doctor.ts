import type { Command } from 'commander';
import * as z from 'zod';
import { connectionState } from '../../lib/pipeline/credentials/account.ts';
import { secretOverdue } from '../../lib/pipeline/credentials/secret-age.ts';
import { readConnectionSecret } from '../../lib/pipeline/credentials/secrets-cache.ts';
import { forConnection } from '../../lib/pipeline/invocation.ts';
import type { OperatedConnector } from '../cli/deployed-connector.ts';
import { UsageError } from '../cli/errors.ts';
import { type OperatorOptions, operatorCommand } from '../cli/options.ts';
import { type OperatedStack, withStack } from '../cli/stack.ts';
import { streamRows } from '../cli/stream-rows.ts';
import { readAlarms } from './alarms.ts';

/** `headgate doctor`: everything that can be looked at from outside, and what to do about what is wrong. */
export function doctor(program: Command): void {
  operatorCommand(
    program,
    'doctor',
    'Look at everything that could be wrong with a stack, and say what to do about it.',
  )
    .argument('[connector]', 'only this connector, and the stage it is in')
    .addHelpText('after', '\nExit code: 0 nothing is wrong, 2 something is, 1 could not look.')
    .action((only: string | undefined, options: OperatorOptions) =>
      withStack(options, async (stack) => {
        const findings = await examine(stack, only);
        for (const finding of findings)
          process.stdout.write(options.json ? `${JSON.stringify(finding)}\n` : line(finding));
        if (findings.some(({ well }) => !well)) process.exitCode = 2;
      }),
    );
}

/** What was looked at, whether it is well, and what to do if not. */
export type Finding = {
  readonly about: string;
  readonly well: boolean;
  readonly says: string;
  readonly mend: string | null;
};

const line = ({ about, well, says, mend }: Finding): string =>
  `${well ? 'ok   ' : 'WRONG'}  ${about}: ${says}${mend === null ? '' : `\n       → ${mend}`}\n`;

async function examine(stack: OperatedStack, only: string | undefined): Promise<Finding[]> {
  const findings: Finding[] = [];
  const well = (about: string, says: string): void => void findings.push({ about, well: true, says, mend: null });
  const wrong = (about: string, says: string, mend: string): void =>
    void findings.push({ about, well: false, says, mend });

  for (const name of only === undefined ? stack.connectors.keys() : [only]) {
    try {
      await examineConnector(stack, await stack.connector(name), well, wrong);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      wrong(name, error.message, `npx cdk deploy 'headgate-${stack.stage}-*'`);
    }
  }
  // A stack that runs only during a command has no alarms.
  if (stack.local) return findings;
  const off = (await readAlarms(stack)).filter(({ state }) => state === 'ALARM');
  for (const { alarm, says, reason } of off) {
    const [, what = says, runbook = ''] = /^(.*) What to do: (.*)$/.exec(says) ?? [];
    wrong(`alarm ${alarm}`, `${what} (${reason})`, runbook);
  }
  if (off.length === 0) well('alarms', 'none has gone off');
  return findings;
}

type Say = (about: string, says: string) => void;
type Complain = (about: string, says: string, mend: string) => void;

async function examineConnector(
  { local, stage, option: at }: OperatedStack,
  connector: OperatedConnector,
  well: Say,
  wrong: Complain,
): Promise<void> {
  const { name } = connector.connector;
  if (await connector.takesTasks()) well(name, `${local ? 'ready' : 'deployed'}, and its worker takes tasks`);
  else
    wrong(
      name,
      'its worker takes no tasks: the event source mapping is off',
      `npx cdk deploy headgate-${stage}-${name}`,
    );

  const failures = await connector.failuresReader.counts();
  if (failures.visible + failures.inFlight === 0) well(`${name} failures`, 'none waits');
  else
    wrong(
      `${name} failures`,
      `${failures.visible + failures.inFlight} wait`,
      `npx headgate failures list ${name} ${at}`,
    );

  let connections = 0;
  for await (const { sk: connection, ...item } of connector.connections.query(name, '')) {
    connections += 1;
    await examineConnection(connector, { connection, item, local, at }, well, wrong);
  }
  if (connections === 0)
    wrong(name, 'it has no connections', `npx headgate connections add ${name} main ${at} --param …`);

  for (const { connection, stream, status, verdict, why, accepted, staleness } of await streamRows(connector)) {
    const about = `${name} ${connection} ${stream}`;
    if (status !== 'active') continue;
    if (verdict === 'INCOMPLETE' && accepted === null)
      wrong(about, `INCOMPLETE: ${why}`, `npx headgate failures list ${name} ${at}`);
    if (staleness !== null && staleness > 3)
      wrong(
        about,
        `no complete sync for ${staleness} schedules`,
        `npx headgate sync ${name} ${connection} --stream ${stream} --wait ${at}`,
      );
  }
}

async function examineConnection(
  operated: OperatedConnector,
  { connection, item, local, at }: { connection: string; item: object; local: boolean; at: string },
  well: Say,
  wrong: Complain,
): Promise<void> {
  const { connector } = operated;
  const about = `${connector.name} ${connection}`;
  const { status, reason, params } = connectionState.parse(item);
  if (status === 'paused')
    wrong(
      about,
      `paused: ${reason ?? 'no reason was given'}`,
      `npx headgate resume ${connector.name} ${connection} ${at}`,
    );
  const parsed = connector.params.safeParse(JSON.parse(params));
  if (!parsed.success)
    wrong(
      about,
      `its parameters do not fit: ${z.prettifyError(parsed.error)}`,
      `npx headgate connections set ${connector.name} ${connection} ${at} --param …`,
    );
  // On this machine only the functions may read secrets, and they are given with each command.
  if (connector.auth.kind === 'none' || local) return;
  const secret = await lookedAt(() => readConnectionSecret(forConnection(operated, connection)));
  if (secret === 'not allowed') well(about, 'its parameters can be read; its secret only by the functions');
  else if ('problem' in secret)
    wrong(
      about,
      secret.problem.message,
      `npx headgate connections set ${connector.name} ${connection} ${at} --secrets secret.json`,
    );
  else {
    const overdue = await secretOverdue(forConnection(operated, connection));
    if (overdue === undefined) well(about, 'its parameters and its secret can be read');
    else
      wrong(
        about,
        `its secret is ${overdue.days} days old, and is to be replaced every ${overdue.every} days`,
        `npx headgate connections set ${connector.name} ${connection} ${at} --secrets secret.json`,
      );
  }
}

/** Not every operator may read secrets, and none has to. */
async function lookedAt<T>(read: () => Promise<T>): Promise<T | 'not allowed'> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Error && error.name === 'AccessDeniedException') return 'not allowed';
    throw error;
  }
}
