import type { Metric } from '../../lib/core/metrics.ts';
import type { Metrics } from '../../lib/pipeline/ports.ts';

export type MemoryMetrics = Metrics & {
  /** Every value that was added, by metric, oldest first. */
  readonly values: ReadonlyMap<Metric, readonly number[]>;
};

export function memoryMetrics(): MemoryMetrics {
  const values = new Map<Metric, number[]>();
  return {
    values,
    add: (name, value) => void values.set(name, [...(values.get(name) ?? []), value]),
  };
}
