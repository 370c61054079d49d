import * as z from 'zod';

/** What the function that loads tables is told by its environment: written by the stack, read by the function. */
export const loadEnvironmentSchema = z.object({
  /** Name of the connector whose receipts are loaded. */
  CONNECTOR: z.string().min(1),
  BUCKET: z.string().min(1),
  /** Where `Sync closed` events wait. */
  LOAD_QUEUE_URL: z.url(),
  /** ARN of the secret with the URL of the database. */
  DATABASE_SECRET: z.string().min(1),
  /** Schema of the tables. Default: `public`. */
  DATABASE_SCHEMA: z.string().min(1).exactOptional(),
  /** Verdicts that are loaded besides COMPLETE, with "," between them. */
  LOAD_ACCEPT: z
    .string()
    .transform((text) => text.split(',').filter((each) => each !== ''))
    .pipe(z.array(z.enum(['UNKNOWN', 'INCOMPLETE']))),
  /** What becomes of rows that the API no longer has. */
  LOAD_DELETED: z.enum(['remove', 'mark']),
});

/** The same variables as a stack writes them. */
export type LoadEnvironmentVariables = z.input<typeof loadEnvironmentSchema>;
