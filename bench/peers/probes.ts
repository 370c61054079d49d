import { chainProbes } from './chain-probes.ts';
import { limitProbes } from './limit-probes.ts';
import { movingProbes } from './moving-probes.ts';
import { pageProbes } from './page-probes.ts';
import type { Probe } from './probe.ts';
import { trustProbes } from './trust-probes.ts';

/** All of them, in the order of the document. */
export const allProbes: readonly Probe[] = [
  ...pageProbes,
  ...movingProbes,
  ...chainProbes,
  ...limitProbes,
  ...trustProbes,
];
