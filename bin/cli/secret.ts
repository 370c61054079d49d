import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { parseSecret } from '../../lib/core/auth/authorise.ts';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { askSecret } from './ask-secret.ts';
import { UsageError } from './errors.ts';

/**
 * The connection's secret as JSON text: from the file, from `HEADGATE_SECRET`, or asked for on the terminal; never from an argument,
 * which any process on the machine could read. Throws a {@link UsageError} that never quotes it. `undefined`: none is needed.
 */
export async function readSecret(connector: Connector, file: string | undefined): Promise<string | undefined> {
  if (connector.auth.kind === 'none') return undefined;
  return (
    secretGiven(connector, file) ??
    checked(connector, await fromTerminal(connector.name, fields(connector.auth.secret)))
  );
}

/** The same, but it asks no one: `undefined` if none is given. */
export function secretGiven(connector: Connector, file: string | undefined): string | undefined {
  if (connector.auth.kind === 'none') return undefined;
  const text = fromFile(file) ?? process.env.HEADGATE_SECRET;
  return text === undefined ? undefined : checked(connector, text);
}

function checked({ name, auth }: Connector, text: string): string {
  const parsed = parseSecret(auth, text);
  if ('problem' in parsed) {
    const example = JSON.stringify(Object.fromEntries(fields(auth.secret).map((field) => [field, '…'])));
    throw new UsageError(`The secret of "${name}" cannot be used: ${parsed.problem}. It must be JSON like ${example}.`);
  }
  return text;
}

const fields = (schema: z.ZodType): string[] => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []);

function fromFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`The secrets file "${file}" cannot be read.`);
  }
}

async function fromTerminal(connector: string, names: readonly string[]): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      `The connector "${connector}" needs a secret. Give --secrets file.json, or set HEADGATE_SECRET to JSON with: ${names.join(', ')}.`,
    );
  }
  return JSON.stringify(await askSecret(connector, names, process.stdin, process.stderr));
}
