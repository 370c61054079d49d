/**
 * What a run amounts to.
 * `all`: every row came, and the exit code says so. `said`: rows are missing, and the exit code says that something is wrong.
 * `alarm`: every row came, and the exit code says otherwise. `loss`: rows are missing, and the exit code says that all is well. `stopped`: it had to be stopped, because it asked without end or still ran.
 */
export type ProbeVerdict = 'all' | 'said' | 'alarm' | 'loss' | 'stopped';

/** `code` is the exit code; absent where the run had to be stopped. */
export function judgeRun(missing: number, code: number | undefined): ProbeVerdict {
  if (code === undefined) return 'stopped';
  if (code === 0) return missing === 0 ? 'all' : 'loss';
  return missing === 0 ? 'alarm' : 'said';
}
