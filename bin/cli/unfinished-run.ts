import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { replaceFile } from '../../lib/local/replace-file.ts';

const noteSchema = z.object({ at: z.iso.datetime(), what: z.string() });

/** A run as its state folder knows it. */
export type NotedRun = {
  /** The scheduled time of its syncs. */
  readonly at: string;
  /** Forgets the run: it has handed out everything. */
  readonly finish: () => Promise<void>;
};

/**
 * Notes in the state folder that a run has begun. One that was killed leaves its note, and a command that asks for the same again goes
 * on with it: with the same syncs, so with the same receipts, whether they were closed by then or not.
 */
export async function noteRun(state: string, asked: object): Promise<NotedRun> {
  const file = join(state, 'run.json');
  const what = JSON.stringify(asked);
  const note = await readNote(file);
  const at = note?.what === what ? note.at : new Date().toISOString();
  replaceFile(file, JSON.stringify({ at, what }));
  return { at, finish: () => rm(file, { force: true }) };
}

async function readNote(file: string): Promise<z.output<typeof noteSchema> | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // There is none, or it is none of ours.
    return undefined;
  }
}
