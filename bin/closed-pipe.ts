import { explainError } from './explain-error.ts';
import { UsageError } from './usage-error.ts';

/**
 * Whoever reads our output may leave (`| head -1`): what is left to be said is not said, what is left to be done is done. Output that
 * cannot be written for another reason, such as a full disk, ends the process.
 */
export function outliveReaders(...outputs: readonly NodeJS.WriteStream[]): void {
  for (const output of outputs)
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      const explained = explainError(error);
      if (!(explained instanceof UsageError)) throw error;
      if (output !== process.stderr) process.stderr.write(`${explained.message}\n`);
      process.exit(1);
    });
}
