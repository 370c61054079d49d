import { hash } from 'node:crypto';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import type { TlsMaterial } from '../core/auth/tls.ts';

/** More than the pages a worker has in flight (10 tasks of 10): a request whose slot has come never queues for a connection. */
const CONNECTIONS_PER_ORIGIN = 128;
/** Connections with certificates of their own that a worker keeps open agents for. */
const MOST_AGENTS = 32;
/** This machine is reached without a proxy. */
const LOOPBACK = 'localhost,127.0.0.1,::1';

const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];

/**
 * Agents by what they show and trust: connections of different certificates are never shared. A proxy is taken from `HTTP_PROXY`, `HTTPS_PROXY` and
 * `NO_PROXY`, in either case, as they stand in the environment when the first request leaves. `onConnectionError` gets each error of connecting.
 */
export function openAgents(
  environment: Readonly<Record<string, string | undefined>>,
  onConnectionError: (error: Error) => void,
): (tls: TlsMaterial | undefined) => Dispatcher {
  const agents = new Map<string, Dispatcher>();
  return (tls) => {
    const name = tls === undefined ? '' : hash('sha256', JSON.stringify(tls));
    const agent = agents.get(name) ?? makeAgent(environment, tls);
    if (!agents.has(name)) agent.on('connectionError', (_origin, _targets, error) => onConnectionError(error));
    // The one that was used least recently is let go; its requests end first.
    agents.delete(name);
    agents.set(name, agent);
    const [oldest] = agents.keys();
    if (agents.size > MOST_AGENTS && oldest !== undefined) {
      agents.get(oldest)?.close();
      agents.delete(oldest);
    }
    return agent;
  };
}

function makeAgent(environment: Readonly<Record<string, string | undefined>>, tls: TlsMaterial = {}): Dispatcher {
  const options = { connections: CONNECTIONS_PER_ORIGIN, allowH2: false, connect: tls };
  if (PROXY_VARIABLES.every((name) => (environment[name] ?? '') === '')) return new Agent(options);
  const [http, https, none] = ['http_proxy', 'https_proxy', 'no_proxy'].map(
    (name) => environment[name] ?? environment[name.toUpperCase()] ?? '',
  );
  return new EnvHttpProxyAgent({
    ...options,
    requestTls: tls,
    httpProxy: http ?? '',
    httpsProxy: https || http || '',
    noProxy: [none, LOOPBACK].filter((hosts) => hosts !== '').join(','),
  });
}
