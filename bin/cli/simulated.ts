import type { Connector } from '../../lib/core/connector/connector.ts';
import type { Simulation } from '../../lib/simulator/simulate.ts';

/** Every record of a simulated API is made on demand: this many of each stream. */
const RECORDS = 10_050;

/** The simulator, and in whose place it answers. */
export type SimulatedApi = { readonly of: string; readonly simulation: Simulation };

/**
 * The simulator in place of an API that cannot exist: that of the connector `practice`, and any whose parameter `url` has a default under
 * `.example`, a name that is reserved (RFC 6761, section 6.5). `undefined` if the connection names its API.
 */
export async function simulateReserved(
  connector: Connector,
  name: string,
  given: readonly string[],
): Promise<SimulatedApi | undefined> {
  const of = name === 'practice' && given.length === 0 ? 'the practice API' : reservedHost(connector, given);
  if (of === undefined) return undefined;
  const { simulate } = await import('../../lib/simulator/simulate.ts');
  return { of, simulation: await simulate(connector, { records: RECORDS }) };
}

function reservedHost({ params }: Connector, given: readonly string[]): string | undefined {
  if (given.some((option) => option.startsWith('url='))) return undefined;
  const url: unknown = Reflect.get(Object(params.safeParse({}).data), 'url');
  const { hostname } = (typeof url === 'string' && URL.parse(url)) || {};
  return hostname?.endsWith('.example') ? hostname : undefined;
}
