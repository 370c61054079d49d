import type { Metrics as Powertools } from '@aws-lambda-powertools/metrics';
import { METRICS } from '../core/metrics.ts';
import type { Metrics } from '../pipeline/ports.ts';

/**
 * CloudWatch's embedded metric format by Powertools: lines of JSON on stdout, written when an invocation ends. Namespace and dimension
 * come with `powertools`, and so does the end of an invocation (`publishStoredMetrics`).
 */
export const embeddedMetrics = (powertools: Powertools): Metrics => ({
  add: (name, value) => void powertools.addMetric(name, METRICS[name], value),
});

/** A middleware that writes what an invocation measured, however it ends. Powertools' own warns, in a line, of each that measured nothing. */
export function publishMetrics(powertools: Powertools): { readonly after: () => void; readonly onError: () => void } {
  const publish = (): void => {
    if (powertools.hasStoredMetrics()) powertools.publishStoredMetrics();
  };
  return { after: publish, onError: publish };
}
