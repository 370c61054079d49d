import type { Secrets } from '../../lib/pipeline/ports.ts';

/** Secrets by name. The record may be changed later: a secret is read when it is asked for. */
export const memorySecrets = (values: Readonly<Record<string, string>>): Secrets => ({
  get: async (name) => (Object.hasOwn(values, name) ? values[name] : undefined),
});
