import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * How a function finds its credentials: Lambda sets them as variables. In a bundle this stands in the place of the SDK's search through every other
 * place, which would be a tenth of it.
 */
export const defaultProvider = fromEnv;
