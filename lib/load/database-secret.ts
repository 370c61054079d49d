import * as z from 'zod';
import { schemaComplaint } from '../core/schema-complaint.ts';

const schema = z
  .strictObject({
    url: z.string().regex(/^postgres(ql)?:\/\/.+/, 'must be a URL like postgres://user:password@host/database'),
    /** Certificate of the authority that the server is trusted by, as PEM. Default: those that Node.js trusts. */
    authority: z.string().startsWith('-----BEGIN CERTIFICATE-----').exactOptional(),
  })
  .refine(({ url, authority }) => authority === undefined || !url.includes('sslmode='), {
    path: ['url'],
    message: 'must have no sslmode where "authority" is given: the server is verified then',
  });

export type DatabaseSecret = z.output<typeof schema>;

/** What a new secret holds, until a person writes the URL into it. */
export const EMPTY_DATABASE_SECRET = '{"url":""}';

/** Reads the value of the secret: `{"url":"postgres://…"}`. Throws an error of one sentence, without the value, if it cannot be used. */
export function readDatabaseSecret(text: string): DatabaseSecret {
  const value = parseJson(text);
  const problem =
    text === EMPTY_DATABASE_SECRET
      ? '"url": is empty; write the URL of the database into it'
      : schemaComplaint(schema, value);
  if (problem !== undefined)
    throw new Error(
      `The secret of the database must be JSON like {"url":"postgres://user:password@host/database"}: ${problem}.`,
    );
  return schema.parse(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
