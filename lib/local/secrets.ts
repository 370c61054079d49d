import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { jsonBackend, operation } from './json-protocol.ts';
import { replaceFile } from './replace-file.ts';
import { type Backend, ServiceError } from './service.ts';

/** A secret as a template declares it: Secrets Manager makes its value up. */
export type DeclaredSecret = { readonly arn: string; readonly length: number };

/** What a state folder knows of secrets. `salt`: so that a version tells nothing about its value. */
const keptSchema = z.object({ salt: z.string(), generated: z.record(z.string(), z.string()) });
export type KeptSecrets = z.output<typeof keptSchema>;

/** The made-up values of the declared secrets, the same at every start: they are kept in a file that only its owner can read. */
export function keepSecrets(file: string, declared: readonly DeclaredSecret[]): KeptSecrets {
  const before = existsSync(file)
    ? keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    : { salt: randomBytes(32).toString('hex'), generated: {} };
  const missing = declared.filter(({ arn }) => before.generated[arn] === undefined);
  if (missing.length === 0 && existsSync(file)) return before;
  const made = missing.map(({ arn, length }) => [arn, randomBytes(length).toString('base64url').slice(0, length)]);
  const kept = { ...before, generated: { ...before.generated, ...Object.fromEntries(made) } };
  replaceFile(file, JSON.stringify(kept), 0o600);
  return kept;
}

const request = z.object({
  SecretId: z.string().min(1),
  VersionStage: z.enum(['AWSCURRENT', 'AWSPREVIOUS']).default('AWSCURRENT'),
});

/**
 * Secrets Manager over the secrets that were given (name → value), to which others may be added meanwhile, and those that were made up (by
 * ARN). None of them has a previous value. What is put here is kept as long as the run lasts, and in no file.
 */
export function secretsManager(
  given: Readonly<Record<string, string>>,
  { salt, generated }: KeptSecrets = { salt: '', generated: {} },
): Backend {
  const put = new Map<string, string>();
  const own = (values: Readonly<Record<string, string>>, name: string): string | undefined =>
    Object.hasOwn(values, name) ? values[name] : undefined;
  const seen = new Map<string, { readonly value: string; readonly since: number }>();
  /** When a value was first seen, epoch seconds. */
  const sinceOf = (name: string, value: string): number => {
    const known = seen.get(name);
    const entry = known?.value === value ? known : { value, since: Date.now() / SECOND };
    seen.set(name, entry);
    return entry.since;
  };
  const find = (name: string): string | undefined => put.get(name) ?? own(given, name) ?? own(generated, name);
  return jsonBackend('1.1', {
    GetSecretValue: operation(request, ({ SecretId: name, VersionStage: stage }, call) => {
      // Every user of this machine can reach the port, but only a function has a key that cannot be guessed.
      if (!call.function)
        throw new ServiceError('AccessDeniedException', 'Only the functions of the stack may read secrets.');
      const value = stage === 'AWSCURRENT' ? find(name) : undefined;
      if (value === undefined) {
        throw new ServiceError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      }
      return {
        Name: name,
        SecretString: value,
        VersionId: versionOf(value, salt),
        VersionStages: [stage],
        CreatedDate: sinceOf(name, value),
      };
    }),
    PutSecretValue: operation(
      z.object({ SecretId: z.string().min(1), SecretString: z.string() }),
      ({ SecretId: name, SecretString: value }) => {
        if (find(name) === undefined)
          throw new ServiceError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
        put.set(name, value);
        return { Name: name };
      },
    ),
    CreateSecret: operation(
      z.object({ Name: z.string().min(1), SecretString: z.string() }),
      ({ Name: name, SecretString: value }) => {
        if (find(name) !== undefined)
          throw new ServiceError('ResourceExistsException', 'A secret with this name exists already.');
        put.set(name, value);
        return { Name: name };
      },
    ),
  });
}

const SECOND = 1_000;

const versionOf = (value: string, salt: string): string =>
  createHmac('sha256', salt).update(value).digest('hex').slice(0, 32);
