import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { connectors } from '../../lib/connectors/index.ts';
import { replaceFile } from '../../lib/local/replace-file.ts';
import { UsageError } from './errors.ts';
import { type LoadedConnector, loadConnector } from './load-connector.ts';

/** Name → how it is loaded again: its name if it comes with Headgate, else its file. */
const noteSchema = z.record(z.string(), z.string());

const fileOf = (folder: string): string => join(folder, 'connectors.json');

/** Notes in a state folder which connector it serves, so that the commands that look into it need not be told. */
export async function noteConnector(folder: string, { connector, file }: LoadedConnector): Promise<void> {
  const known = Object.hasOwn(connectors, connector.name) && connectors[connector.name]?.file === file;
  const noted = { ...(await readNote(folder)), [connector.name]: known ? connector.name : file };
  replaceFile(fileOf(folder), JSON.stringify(noted));
}

/** The connectors that a state folder serves; none if it is no state folder. */
export async function connectorsOf(folder: string): Promise<LoadedConnector[]> {
  return Promise.all(Object.values(await readNote(folder)).map(loadConnector));
}

async function readNote(folder: string): Promise<z.output<typeof noteSchema>> {
  const text = await readFile(fileOf(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return {};
  try {
    return noteSchema.parse(JSON.parse(text));
  } catch {
    throw new UsageError(
      `"${fileOf(folder)}" cannot be read. Delete it, and run once more: headgate run <connector> --state ${folder}`,
    );
  }
}
