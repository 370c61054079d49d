import { devNull } from 'node:os';
import type { DeclaredFunction } from './function-process.ts';
import { REGION } from './names.ts';

/** How this machine reaches the world: its proxy, and the authorities that it trusts besides. */
export const HOST_VARIABLES = [
  ...['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'],
  'NODE_EXTRA_CA_CERTS',
];

/** What Lambda adds to a function's own environment, pointed at the gateway. Of the host's nothing is in it but its way into the world. */
export function runtimeEnvironment(
  declared: DeclaredFunction,
  endpoint: string,
  accessKey: string,
): Record<string, string> {
  return {
    ...Object.fromEntries(
      HOST_VARIABLES.flatMap((name) => [[name, process.env[name] ?? '']]).filter(([, value]) => value !== ''),
    ),
    ...declared.environment,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: 'embedded',
    AWS_LAMBDA_FUNCTION_NAME: declared.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(declared.memory),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    AWS_ENDPOINT_URL_SQS: endpoint,
    // The SDK would read the settings that the user of this machine has for the real AWS.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
  };
}
