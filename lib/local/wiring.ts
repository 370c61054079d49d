import type { DeclaredFunction } from './function-process.ts';
import type { DeclaredMapping, DeclaredQueue, DeclaredSchedule, Plan } from './plan.ts';

/** A connector's worker takes its tasks from a queue; its housekeeping is started by a schedule. */
export type Kind = 'work' | 'housekeeping';

/** What a schedule starts: a message on the queue of a connector's worker, or a function. */
export type Target = { readonly queue: DeclaredQueue } | { readonly function: DeclaredFunction };

/** Which declared thing belongs to which. */
export type Wiring = {
  /** By connector. */
  readonly work: ReadonlyMap<string, DeclaredFunction>;
  readonly housekeeping: ReadonlyMap<string, DeclaredFunction>;
  /** The functions that have a URL. */
  readonly served: readonly DeclaredFunction[];
  readonly mappings: readonly (DeclaredMapping & {
    readonly queue: DeclaredQueue;
    readonly function: DeclaredFunction;
  })[];
  readonly schedules: readonly (DeclaredSchedule & { readonly connector: string; readonly target: Target })[];
};

/** Follows the references between the declared things. Throws where one leads nowhere. */
export function wire(plan: Plan): Wiring {
  const mappings = plan.mappings.map((mapping) => ({
    ...mapping,
    queue: found(plan.queues, ({ arn }) => arn === mapping.queueArn, `no queue is ${mapping.queueArn}.`),
    function: found(
      plan.functions,
      ({ name }) => name === mapping.functionName,
      `no function is ${mapping.functionName}.`,
    ),
  }));
  const targetOf = ({ targetArn, id }: DeclaredSchedule): Target & { connector: string } => {
    const mapping = mappings.find(({ queue }) => queue.arn === targetArn);
    if (mapping) return { queue: mapping.queue, connector: connectorOf(mapping.function) };
    const target = found(
      plan.functions,
      ({ arn }) => arn === targetArn,
      `${id} starts ${targetArn}, and nothing works on that.`,
    );
    return { function: target, connector: connectorOf(target) };
  };
  const schedules = plan.schedules.map((schedule) => {
    const { connector, ...target } = targetOf(schedule);
    return { ...schedule, connector, target };
  });
  return {
    work: byConnector(mappings.map((mapping) => mapping.function)),
    housekeeping: byConnector(schedules.flatMap(({ target }) => ('function' in target ? [target.function] : []))),
    served: plan.urls.map((url) => found(plan.functions, ({ arn }) => arn === url, `no function is ${url}.`)),
    mappings,
    schedules,
  };
}

function found<T>(candidates: readonly T[], is: (candidate: T) => boolean, otherwise: string): T {
  const match = candidates.find(is);
  if (match === undefined) throw new Error(`The templates do not fit together: ${otherwise}`);
  return match;
}

const byConnector = (functions: readonly DeclaredFunction[]): ReadonlyMap<string, DeclaredFunction> =>
  new Map(functions.map((declared) => [connectorOf(declared), declared]));

function connectorOf({ name, environment }: DeclaredFunction): string {
  if (environment.CONNECTOR === undefined) throw new Error(`The function ${name} has no variable CONNECTOR.`);
  return environment.CONNECTOR;
}
