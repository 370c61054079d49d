import * as z from 'zod';
import { jsonBackend, operation } from './json-protocol.ts';
import { type Backend, ServiceError } from './service.ts';

/** Secrets Manager over a fixed set of secrets (name → value), read-only. */
export function secretsManager(secrets: Readonly<Record<string, string>>): Backend {
  return jsonBackend('1.1', {
    GetSecretValue: operation(z.object({ SecretId: z.string().min(1) }), ({ SecretId: name }, call) => {
      // Every user of this machine can reach the port, but only a function has a key that nobody can guess.
      if (!call.function)
        throw new ServiceError('AccessDeniedException', 'Only the functions of the stack may read secrets.');
      if (!Object.hasOwn(secrets, name)) {
        throw new ServiceError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      }
      return { Name: name, SecretString: secrets[name], VersionStages: ['AWSCURRENT'] };
    }),
  });
}
