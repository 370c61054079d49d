import * as z from 'zod';
import type { Rotation } from './rotation.ts';
import { isSpan } from './time.ts';

/** A duration as text, or `false`. */
const rotation = z.codec(
  z.string(),
  z.custom<Rotation>((value) => value === false || isSpan(value)),
  {
    decode: (text) => (isSpan(text) ? text : false),
    encode: String,
  },
);

/**
 * What a deployed function is told by its environment. One schema for the writer (the stack) and the reader (the
 * composition root), so a variable that one forgets is a compile error in the other.
 */
export const environmentSchema = z.object({
  /** Name of the connector this function serves. */
  CONNECTOR: z.string().min(1),
  SYNCS_TABLE: z.string().min(1),
  CONNECTIONS_TABLE: z.string().min(1),
  RATE_LIMITS_TABLE: z.string().min(1),
  TOKENS_TABLE: z.string().min(1),
  /** ARN of the secret from which tokens are sealed. */
  TOKEN_KEY: z.string().min(1),
  BUCKET: z.string().min(1),
  /** Namespace of the stage's metrics. */
  METRICS_NAMESPACE: z.string().min(1),
  QUEUE_URL: z.url(),
  FAILURES_QUEUE_URL: z.url(),
  /** Prefix of the names of this connector's secrets in Secrets Manager: `<prefix>/<connection>`. */
  SECRETS_PREFIX: z.string().min(1),
  /** ARN of the key that those secrets are encrypted with; without it, the account's own. */
  SECRETS_KEY: z.string().min(1).exactOptional(),
  /** Whether a record that breaks its schema fails its page (strict) or is quarantined (permissive). */
  SCHEMA_MODE: z.enum(['strict', 'permissive']),
  /** How many percent of a sync's records may be quarantined before it is INCOMPLETE. Default: 1. */
  QUARANTINE_PERCENT: z.coerce.number().min(0).max(100).exactOptional(),
  /** How often secrets are to be replaced, where the connector does not say: a duration, or `false`. Default: 90 days. */
  ROTATE: rotation.exactOptional(),
  /** How often a page is tried before it is set aside. */
  ATTEMPTS: z.coerce.number().int().min(1).max(40),
  /** How long an API that does not answer at all is waited for, in seconds, before that counts as an attempt at a page. */
  OUTAGE_SECONDS: z.coerce.number().int().min(0).max(86_400),
  /** Visibility timeout of the queue, in seconds. Nothing that works can be silent for longer than two of them. */
  VISIBILITY_TIMEOUT_SECONDS: z.coerce.number().int().min(1).max(43_200),
  /** How many workers may run at once. */
  MAXIMUM_CONCURRENCY: z.coerce.number().int().min(2).max(1_000),
  /** On a stack of one machine: in the place of which API the simulator answers. */
  SIMULATED: z.string().min(1).exactOptional(),
});

export type Environment = z.output<typeof environmentSchema>;
/** The same variables as a stack writes them: all text. */
export type EnvironmentVariables = { readonly [name in keyof Environment]: string };
