import type { Logger } from '@aws-lambda-powertools/logger';
import type { Log } from '../pipeline/ports.ts';

/** JSON lines by Powertools. The logger comes from outside: its level, its service name and its standing keys are not ours. */
export const powertoolsLog = (logger: Logger): Log => ({
  debug: (message, fields) => logger.debug(message, fields),
  info: (message, fields) => logger.info(message, fields),
  warn: (message, fields) => logger.warn(message, fields),
});
