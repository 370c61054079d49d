import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Secrets } from '../pipeline/ports.ts';

/** AWS Secrets Manager. Throws on a secret that holds bytes instead of text. */
export function secretsManager(client: SecretsManagerClient): Secrets {
  return {
    async get(name, stage = 'AWSCURRENT') {
      try {
        const command = new GetSecretValueCommand({ SecretId: name, VersionStage: stage });
        const { SecretString, VersionId, CreatedDate } = await client.send(command);
        if (SecretString === undefined) throw new Error(`The secret "${name}" holds bytes; write it as text.`);
        if (VersionId === undefined) throw new Error(`The secret "${name}" came without its version.`);
        const since = CreatedDate?.getTime();
        return { value: SecretString, version: VersionId, ...(since === undefined ? {} : { since }) };
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
  };
}
