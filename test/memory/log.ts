import type { Log } from '../../lib/pipeline/ports.ts';

export type Line = {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: Parameters<Log['info']>[1];
};

export type MemoryLog = Log & { /** Every line, oldest first. */ readonly lines: readonly Line[] };

export function memoryLog(): MemoryLog {
  const lines: Line[] = [];
  return {
    lines,
    debug: () => {},
    info: (message, fields) => void lines.push({ level: 'info', message, fields }),
    warn: (message, fields) => void lines.push({ level: 'warn', message, fields }),
  };
}
