import * as z from 'zod';
import { bytesOf, LONGEST_PARAMETERS } from '../../lib/core/bounds.ts';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { UsageError } from './errors.ts';

/**
 * A connection's parameters from `--param name=value` options, held against the connector's schema. A value is text; where the schema
 * wants something else it is read as JSON. Throws a {@link UsageError}.
 */
export function readParameters(connector: Connector, options: readonly string[]): object {
  const { given, issues } = read(connector, options);
  if (issues.length > 0) throw new UsageError(complaint(connector.name, given, issues));
  return given;
}

/** The same, but none has to be given. */
export function readGivenParameters(connector: Connector, options: readonly string[]): object {
  const { given, issues } = read(connector, options);
  const wrong = issues.filter(({ path }) => Object.hasOwn(given, String(path[0])));
  if (wrong.length > 0) throw new UsageError(complaint(connector.name, given, wrong));
  return given;
}

type Read = { readonly given: object; readonly issues: readonly z.core.$ZodIssue[] };

function read({ name, params: schema }: Connector, options: readonly string[]): Read {
  const given: Record<string, unknown> = Object.fromEntries(options.map(pair));
  const bytes = bytesOf(JSON.stringify(given));
  if (bytes > LONGEST_PARAMETERS)
    throw new UsageError(
      `The parameters must have at most ${LONGEST_PARAMETERS} bytes as JSON (got ${bytes}): give a shorter --param.`,
    );
  refuseUnknown(name, schema, Object.keys(given));
  const first = schema.safeParse(given);
  if (first.success) return { given, issues: [] };
  for (const { path } of first.error.issues) {
    const field = String(path[0]);
    if (typeof given[field] === 'string') given[field] = json(given[field]);
  }
  return { given, issues: schema.safeParse(given).error?.issues ?? [] };
}

function pair(option: string): [string, string] {
  const cut = option.indexOf('=');
  if (cut < 1) throw new UsageError(`--param "${option}" is not of the form name=value.`);
  return [option.slice(0, cut), option.slice(cut + 1)];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function refuseUnknown(connector: string, schema: z.ZodType, given: readonly string[]): void {
  if (!(schema instanceof z.ZodObject)) return;
  const known = Object.keys(schema.shape);
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const has = known.length === 0 ? 'It has none' : `It has: ${known.join(', ')}`;
  throw new UsageError(`The connector "${connector}" has no parameter "${unknown}". ${has}.`);
}

function complaint(connector: string, given: object, issues: readonly z.core.$ZodIssue[]): string {
  const sentences = issues.map(({ path, message }) => {
    const name = path.join('.');
    return Reflect.get(given, String(path[0])) === undefined
      ? `The connector "${connector}" needs --param ${name}=…`
      : `--param ${name}=${String(Reflect.get(given, String(path[0])))} does not fit: ${message}`;
  });
  return `${sentences.join('; ')}.`;
}
