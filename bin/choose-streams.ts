import type { Connector } from '../lib/core/connector.ts';
import { UsageError } from './usage-error.ts';

/** The streams that were asked for, or all of them. Throws a {@link UsageError} for one that the connector does not have. */
export function chooseStreams(connector: Connector, chosen: readonly string[] = []): string[] {
  const known = Object.keys(connector.streams);
  const unknown = chosen.find((stream) => !known.includes(stream));
  if (unknown !== undefined) {
    throw new UsageError(`The connector "${connector.name}" has no stream "${unknown}". It has: ${known.join(', ')}.`);
  }
  return chosen.length === 0 ? known : [...new Set(chosen)];
}
