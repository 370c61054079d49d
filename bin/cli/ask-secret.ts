import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { UsageError } from './errors.ts';

/**
 * Asks for the fields of a secret on a terminal, one after the other. What is typed is not shown; Enter alone leaves a field out, for
 * what need not be there. Throws a {@link UsageError} if the person asked stops it.
 */
export async function askSecret(
  connector: string,
  names: readonly string[],
  input: NodeJS.ReadableStream,
  screen: { write(text: string): unknown },
): Promise<Record<string, string>> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: silent, terminal: true });
  const given: Record<string, string> = {};
  try {
    for (const name of names) {
      screen.write(`${connector} ${name}: `);
      const value = await lines.question('');
      screen.write('\n');
      if (value !== '') given[name] = value;
    }
    return given;
  } catch (error) {
    // Ctrl-C and Ctrl-D end the question.
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    throw new UsageError('\nNo secret was given, so nothing was started.');
  } finally {
    lines.close();
  }
}
