import { createHash } from 'node:crypto';
import type { Secrets } from '../../lib/pipeline/ports.ts';

const versionOf = (value: string): string => createHash('sha256').update(value).digest('hex').slice(0, 32);

/** Secrets by name. The record may be changed later: a secret is read when it is asked for. */
export const memorySecrets = (values: Readonly<Record<string, string>>): Secrets => ({
  get: async (name, stage = 'AWSCURRENT') => {
    const found = Object.hasOwn(values, name) ? values[name] : undefined;
    // The version stands for the value, as a random one does in the secrets manager.
    return found === undefined || stage === 'AWSPREVIOUS' ? undefined : { value: found, version: versionOf(found) };
  },
});
