import { hash } from 'node:crypto';
import * as http from 'node:http';
import * as https from 'node:https';
import type { TlsMaterial } from '../core/auth/tls.ts';

/** More than the pages a worker has in flight (10 tasks of 10): a request whose slot has come never queues for a connection. */
const CONNECTIONS_PER_ORIGIN = 128;
/** Connections with certificates of their own that a worker keeps open agents for. */
const MOST_AGENTS = 32;
/**
 * Milliseconds that a connection may be idle, or less where the API says less. A server closes what is idle for long: a request that left in the same
 * moment would break.
 */
const LONGEST_IDLE = 4_000;
/** This machine is reached without a proxy. */
const LOOPBACK = 'localhost,127.0.0.1,::1';

/** The connections that are kept alive, in the open and by TLS. */
export type AgentPair = { readonly http: http.Agent; readonly https: https.Agent };

/**
 * Agents by what they show and trust: connections of different certificates are never shared. A proxy is taken from `HTTP_PROXY`, `HTTPS_PROXY` and
 * `NO_PROXY`, in either case, as they stand in the environment when the first request leaves.
 */
export function openAgents(
  environment: Readonly<Record<string, string | undefined>>,
): (tls: TlsMaterial | undefined) => AgentPair {
  const agents = new Map<string, AgentPair>();
  return (tls) => {
    const name = tls === undefined ? '' : hash('sha256', JSON.stringify(tls));
    const agent = agents.get(name) ?? makeAgents(environment, tls);
    // The one that was used least recently is let go; its requests end first.
    agents.delete(name);
    agents.set(name, agent);
    const [oldest] = agents.keys();
    if (agents.size > MOST_AGENTS && oldest !== undefined) {
      letGo(agents.get(oldest));
      agents.delete(oldest);
    }
    return agent;
  };
}

function makeAgents(environment: Readonly<Record<string, string | undefined>>, tls: TlsMaterial = {}): AgentPair {
  const proxyEnv = proxyOf(environment);
  const options = {
    ...{ keepAlive: true, maxSockets: CONNECTIONS_PER_ORIGIN },
    // What is in use is not ended by it.
    timeout: LONGEST_IDLE,
    ...(proxyEnv && { proxyEnv }),
  };
  return { http: new http.Agent(options), https: new https.Agent({ ...options, ...tls }) };
}

/** Where requests go by a proxy, and which do not; `undefined`: there is none. */
function proxyOf(environment: Readonly<Record<string, string | undefined>>): http.ProxyEnv | undefined {
  const [plain, secure, none] = ['http_proxy', 'https_proxy', 'no_proxy'].map(
    (name) => environment[name] || environment[name.toUpperCase()] || '',
  );
  if (!plain && !secure) return undefined;
  return {
    HTTP_PROXY: plain || undefined,
    HTTPS_PROXY: secure || plain,
    NO_PROXY: [none, LOOPBACK].filter((hosts) => hosts !== '').join(','),
  };
}

/** Closes what is idle, and what is in use once it has become idle. */
function letGo(agents: AgentPair | undefined): void {
  if (agents === undefined) return;
  for (const agent of [agents.http, agents.https]) {
    agent.maxFreeSockets = 0;
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
  }
}
