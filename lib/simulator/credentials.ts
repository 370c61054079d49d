import type { Connector } from '../core/connector.ts';
import { saltOf } from './random.ts';
import { SimulatorRefusal } from './refusal.ts';

export type Credentials = {
  /** The connection's secret: what must stand in the secrets manager. */
  readonly secret: Readonly<Record<string, string>>;
  /** The header that carries it, in lower case, and its only right value. Absent if the API is open. */
  readonly header?: { readonly name: string; readonly value: string };
};

/** A made-up secret for the connector's way of authorising, and how a request shows it. */
export function credentialsOf({ name, auth }: Connector, seed: number): Credentials {
  const word = `simulated-${saltOf(seed, name, 'secret').toString(36)}`;
  switch (auth.kind) {
    case 'none':
      return { secret: {} };
    case 'bearer':
      return { secret: { token: word }, header: { name: 'authorization', value: `Bearer ${word}` } };
    case 'basic': {
      const pair = Buffer.from(`${name}:${word}`).toString('base64');
      return { secret: { username: name, password: word }, header: { name: 'authorization', value: `Basic ${pair}` } };
    }
    case 'apiKey':
      if (auth.in === 'query') break;
      return { secret: { key: word }, header: { name: auth.name.toLowerCase(), value: word } };
  }
  throw new SimulatorRefusal(`Connector "${name}": the simulator does not know the authorisation "${auth.kind}".`);
}
