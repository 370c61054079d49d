import type { Logger } from '@aws-lambda-powertools/logger';
import { cutText } from '../core/bounds.ts';
import type { Log } from '../pipeline/ports.ts';

/** Characters of one field: CloudWatch cuts off a line of 1 MB, and what is cut off is no JSON any more. */
const LONGEST_FIELD = 4_000;

const cutFields = (fields: Parameters<Log['info']>[1]): Parameters<Log['info']>[1] =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? cutText(value, LONGEST_FIELD) : value,
    ]),
  );

/** JSON lines by Powertools. The logger comes from outside: its level, its service name and its standing keys are not ours. */
export const powertoolsLog = (logger: Logger): Log => ({
  debug: (message, fields) => logger.debug(message, cutFields(fields)),
  info: (message, fields) => logger.info(message, cutFields(fields)),
  warn: (message, fields) => logger.warn(message, cutFields(fields)),
});
