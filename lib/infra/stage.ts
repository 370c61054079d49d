import type { Connector } from '../core/connector/connector.ts';
import type { Environment } from '../core/environment.ts';
import type { Rotation } from '../core/rotation.ts';

/** The tables of a stage. All connectors of the stage share the database. */
export type TableSettings = {
  /** Schema of the tables. Default: `public`. */
  readonly schema?: string | undefined;
  /** Verdicts that are loaded besides COMPLETE. Default: none. */
  readonly accept?: readonly ('unknown' | 'incomplete')[] | undefined;
  /** What becomes of rows that the API no longer has: removed, or marked with a date. Default: `remove`. */
  readonly deleted?: 'remove' | 'mark' | undefined;
  /** Where a database without a public address is reached: subnets and security groups of its VPC. Default: over the internet. */
  readonly network?: { readonly subnets: readonly string[]; readonly securityGroups: readonly string[] } | undefined;
};

/** A place where the whole stack is deployed: for trying things, or for real. */
export type Stage = {
  /** Part of the stacks' names. */
  readonly name: string;
  readonly schemaMode: Environment['SCHEMA_MODE'];
  /** How often the secret of a connection is to be replaced, where its connector does not say; `false`: never. Default: 90 days. */
  readonly rotate?: Rotation | undefined;
  /** How often a page is tried before it is set aside. */
  readonly attempts: number;
  /** How long an API that does not answer at all is waited for, in seconds, 0 to 86,400, before that counts as an attempt. */
  readonly outageSeconds: number;
  /** Whether syncs start on schedule. Housekeeping always does. */
  readonly schedules: boolean;
  /** Whether the state outlives its stack, and is protected from deletion. */
  readonly retain: boolean;
  /** Who is told when an alarm goes off: an address, which has to confirm, and a topic of your own. Default: none. */
  readonly alarms?: { readonly email?: string | undefined; readonly topicArn?: string | undefined } | undefined;
  /** ARN of a KMS key that encrypts tables, objects, queues and topics. Default: keys that AWS owns or manages. */
  readonly encryptionKey?: string | undefined;
  /** The cost guard, in write units: an alarm goes off when the tables take more of them in one hour. A unit is a begun KB of an item. */
  readonly writesPerHour: number;
  /** Loads what is delivered into tables of a PostgreSQL database, whose URL stands in a secret. Default: no tables. */
  readonly load?: TableSettings | undefined;
  /** How long one batch of tasks may take, in seconds, 30 to 900. The queue's visibility timeout follows from it. */
  readonly workerTimeoutSeconds: number;
};

const dev: Stage = {
  name: 'dev',
  schemaMode: 'strict',
  attempts: 5,
  outageSeconds: 600,
  schedules: false,
  retain: false,
  writesPerHour: 1_000_000,
  workerTimeoutSeconds: 60,
};

const prod: Stage = {
  name: 'prod',
  schemaMode: 'permissive',
  attempts: 8,
  outageSeconds: 21_600,
  schedules: true,
  retain: true,
  writesPerHour: 1_000_000,
  workerTimeoutSeconds: 60,
};

export const stages = { dev, prod } as const;

/** The beginning of the names of a connector's secrets in Secrets Manager: `<prefix>/<connection>`. */
export const secretsPrefix = (stage: Stage, connector: Connector): string => `headgate/${stage.name}/${connector.name}`;
