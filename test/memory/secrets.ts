import { createHash } from 'node:crypto';
import type { Clock, Secrets } from '../../lib/pipeline/ports.ts';

const versionOf = (value: string): string => createHash('sha256').update(value).digest('hex').slice(0, 32);

/** Secrets by name. The record may be changed later: a secret is read when it is asked for. `clock`: tells when a value was first there. */
export function memorySecrets(values: Readonly<Record<string, string>>, clock?: Clock): Secrets {
  const seen = new Map(Object.entries(values).map(([name, value]) => [name, { value, since: clock?.now() }]));
  const sinceOf = (name: string, value: string): number | undefined => {
    if (seen.get(name)?.value !== value) seen.set(name, { value, since: clock?.now() });
    return seen.get(name)?.since;
  };
  return {
    get: async (name, stage = 'AWSCURRENT') => {
      const found = Object.hasOwn(values, name) ? values[name] : undefined;
      // The version stands for the value, as a random one does in the secrets manager.
      if (found === undefined || stage === 'AWSPREVIOUS') return undefined;
      const since = sinceOf(name, found);
      return { value: found, version: versionOf(found), ...(since === undefined ? {} : { since }) };
    },
  };
}
