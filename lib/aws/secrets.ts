import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Secrets } from '../pipeline/ports.ts';

/** AWS Secrets Manager, the value at stage AWSCURRENT. Throws on a secret that holds bytes instead of text. */
export function secretsManager(client: SecretsManagerClient): Secrets {
  return {
    async get(name) {
      try {
        const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name }));
        if (SecretString === undefined) throw new Error(`The secret "${name}" holds bytes; write it as text.`);
        return SecretString;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
  };
}
