import type { Command } from 'commander';

export type RegisteredCommand = {
  readonly name: string;
  /** As the command's own help says it. */
  readonly says: string;
  readonly hidden?: boolean;
  /** Loads the command. The function adds it to the program. */
  readonly load: () => Promise<(program: Command) => void>;
};

/** Every command. Each is loaded only where it is meant: all of them together take half a second. */
export const commands: readonly RegisteredCommand[] = [
  {
    name: 'init',
    says: 'Write a project that runs and deploys, and install what it needs. What is there already stays.',
    load: async () => (await import('./init.ts')).init,
  },
  {
    name: 'new',
    says: 'Write a connector file that runs, to begin from.',
    load: async () => (await import('./new.ts')).newConnector,
  },
  {
    name: 'run',
    says: 'Sync an API on this machine, on the very stack that would be deployed.',
    load: async () => (await import('./run.ts')).run,
  },
  {
    name: 'load',
    says: 'Load what was delivered into the tables of a database, each receipt exactly once.',
    load: async () => (await import('./load.ts')).load,
  },
  {
    name: 'rehearse',
    says: 'Sync a connector from an API made out of its own declaration, honest first, then hostile in every way.',
    load: async () => (await import('./rehearse.ts')).rehearse,
  },
  {
    name: 'deploy',
    says: 'Deploy the stacks of a stage, as headgate.config.ts says.',
    load: async () => (await import('./cdk.ts')).deploy,
  },
  {
    name: 'diff',
    says: 'Show what a deployment of a stage would change.',
    load: async () => (await import('./cdk.ts')).diff,
  },
  {
    name: 'destroy',
    says: 'Delete the stacks of a stage. What it retains stays.',
    load: async () => (await import('./cdk.ts')).destroy,
  },
  {
    name: 'app',
    hidden: true,
    says: 'The CDK application of the stages and connectors that headgate.config.ts names.',
    load: async () => (await import('./cdk.ts')).app,
  },
  {
    name: 'connections',
    says: 'The accounts that a connector syncs: list, add, set, remove.',
    load: async () => (await import('./connections.ts')).connections,
  },
  {
    name: 'connect',
    says: 'Make a link with which a person lets a connection read in their name. It works once, for 15 minutes.',
    load: async () => (await import('./connect.ts')).connect,
  },
  {
    name: 'sync',
    says: 'Start a sync of a connection now, without waiting for its schedule.',
    load: async () => (await import('./sync.ts')).sync,
  },
  {
    name: 'status',
    says: 'How every stream stands: its last verdict, how fresh it is, what runs.',
    load: async () => (await import('./status.ts')).status,
  },
  {
    name: 'failures',
    says: 'Pages that did not come: list, show, retry; records that did not fit: map.',
    load: async () => (await import('./failures.ts')).failures,
  },
  {
    name: 'accept',
    says: 'Accept what the last sync of a stream lacks: its watermark moves, its receipt says who was content with what.',
    load: async () => (await import('./accept.ts')).accept,
  },
  {
    name: 'pause',
    says: 'Fetch nothing more for a connection until it is resumed. What is under way waits.',
    load: async () => (await import('./pause.ts')).pause,
  },
  {
    name: 'resume',
    says: 'Let a paused connection go on: new syncs from the next tick, those that waited with the next housekeeping.',
    load: async () => (await import('./pause.ts')).resume,
  },
  {
    name: 'alarms',
    says: 'What has gone off, what it means, and which page says what to do.',
    load: async () => (await import('./alarms.ts')).alarms,
  },
  {
    name: 'doctor',
    says: 'Look at everything that could be wrong with a stack, and say what to do about it.',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'housekeep',
    says: 'Run housekeeping now: take up stalled syncs, measure how fresh the streams are.',
    load: async () => (await import('./housekeep.ts')).housekeep,
  },
];
