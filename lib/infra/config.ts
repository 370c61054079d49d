import * as z from 'zod';
import type { Rotation } from '../core/rotation.ts';
import { schemaComplaint } from '../core/schema-complaint.ts';
import { isSpan } from '../core/time.ts';
import { type Stage, stages, type TableSettings } from './stage.ts';

/** What is deployed: `headgate.config.ts` exports it by default, through {@link defineConfig}. */
export type Config = {
  /**
   * The connectors, each with stacks of its own: the names of those that come with Headgate, or the paths of connector files,
   * relative to the configuration.
   */
  readonly connectors: readonly string[];
  /** What differs from the defaults, by stage. `dev` and `prod` are there anyway; a stage of another name begins as `prod`. */
  readonly stages?: Readonly<Record<string, StageSettings>>;
};

/** Default: as {@link stages} has it for `dev`, or else for `prod`. */
export type StageSettings = Partial<Omit<Stage, 'name'>>;

/** Only makes the types fit: everything is checked where the configuration is read. */
export const defineConfig = (config: Config): Config => config;

const arn = (service: string) =>
  z.string().regex(new RegExp(`^arn:aws[a-z-]*:${service}:`), `must be an ARN of ${service.toUpperCase()}`);

const named = (prefix: string, what: string) =>
  z.array(z.string().startsWith(prefix, `must be the id of a ${what}, like "${prefix}0123456789abcdef0"`)).min(1);

const tables = z.strictObject({
  schema: z
    .string()
    .regex(/^[^\0]{1,63}$/, 'must be the name of a schema, at most 63 characters')
    .exactOptional(),
  accept: z.array(z.enum(['unknown', 'incomplete'])).exactOptional(),
  deleted: z.enum(['remove', 'mark']).exactOptional(),
  network: z
    .strictObject({ subnets: named('subnet-', 'subnet'), securityGroups: named('sg-', 'security group') })
    .exactOptional(),
} satisfies Record<keyof TableSettings, z.ZodType>);

const settings = z.strictObject({
  schemaMode: z.enum(['strict', 'permissive']).exactOptional(),
  rotate: z
    .custom<Rotation>((value) => value === false || isSpan(value), 'must be a duration like "90 days", or false')
    .exactOptional(),
  attempts: z.int().min(1).max(40).exactOptional(),
  outageSeconds: z.int().min(0).max(86_400).exactOptional(),
  schedules: z.boolean().exactOptional(),
  retain: z.boolean().exactOptional(),
  workerTimeoutSeconds: z.int().min(30).max(900).exactOptional(),
  alarms: z.strictObject({ email: z.email().exactOptional(), topicArn: arn('sns').exactOptional() }).exactOptional(),
  encryptionKey: arn('kms').exactOptional(),
  writesPerHour: z.int().min(1).exactOptional(),
  load: tables.exactOptional(),
} satisfies Record<keyof StageSettings, z.ZodType>);

const schema = z.strictObject({
  connectors: z.array(z.string().min(1)).min(1, 'must name at least one'),
  stages: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, 'must be lower case letters, digits and "-", at most 20'),
      settings,
    )
    .default({}),
});

export type ReadConfig = { readonly connectors: readonly string[]; readonly stages: readonly Stage[] };

/** Reads a configuration that somebody wrote. Returns one sentence if it cannot be used. */
export function readConfig(exported: unknown): ReadConfig | { readonly problem: string } {
  const problem = schemaComplaint(schema, exported);
  if (problem !== undefined) return { problem };
  const { connectors, stages: given } = schema.parse(exported);
  const names = new Set([...Object.keys(stages), ...Object.keys(given)]);
  return { connectors, stages: [...names].map((name) => stageOf(name, given[name] ?? {})) };
}

const stageOf = (name: string, settings: z.output<typeof schema>['stages'][string]): Stage => ({
  ...(name === stages.dev.name ? stages.dev : stages.prod),
  ...settings,
  name,
});
