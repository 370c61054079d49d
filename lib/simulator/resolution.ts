import { DAY, MINUTE, SECOND } from '../core/time.ts';
import type { Model } from './model.ts';

/** How exactly a stream tells dates, in its requests and in its records: what is finer, in milliseconds, is lost. */
export function resolutionOf({ streams }: Model, name: string): number {
  const stream = streams.find((one) => one.name === name);
  if (stream === undefined) return 1;
  const asked = stream.questions.flatMap(({ forms }) => forms.map(({ read, example }) => read(example)));
  const dates = asked.flatMap((one) => [one?.from, one?.to]).filter((date) => date !== undefined);
  const { changedAt } = stream.records;
  const changes = changedAt === undefined ? [] : [changedAt(1)];
  return Math.max(1, ...[...dates, ...changes].map(coarseness));
}

/** Of a date that is chosen to have seconds and milliseconds: the finest unit of which it is a multiple. */
const coarseness = (date: number): number => [DAY, MINUTE, SECOND].find((unit) => date % unit === 0) ?? 1;
