import { loadHttp, quantile, requestBytes, type HttpLoad, type LoadClient } from '../http-load.ts';
import { addressOf } from './people.ts';

export interface FloodRound {
  /** Milliseconds. */
  idleP99: number;
  floodedP99: number;
  /** Sign-ins that were answered in a second of the flood, by status. */
  signInsPerSecond: Record<string, number>;
}

const FLOOD_CONNECTIONS = 16;
const PACE_MS = 50;
const OTHERS = 10;

/** How long requests of a signed-in client take that come at a fixed rate: alone, and beside a flood of wrong sign-ins. */
export async function floodOnce(port: number, other: LoadClient, seconds: number): Promise<FloodRound> {
  const clients = Array.from({ length: OTHERS }, () => other);
  const others = (): Promise<HttpLoad> => loadHttp({ port, seconds, clients, paceMs: PACE_MS });
  const idle = await others();
  const [flooded, flood] = await Promise.all([
    others(),
    loadHttp({ port, seconds, clients: Array.from({ length: FLOOD_CONNECTIONS }, openAttacker) }),
  ]);
  for (const { statuses } of [idle, flooded]) {
    if (Object.keys(statuses).join() !== '200') throw new Error(`other routes answered ${JSON.stringify(statuses)}`);
  }
  const signIns = Object.entries(flood.statuses).map(([status, count]) => [status, count / seconds]);
  return {
    idleP99: quantile(idle.latencies, 0.99),
    floodedP99: quantile(flooded.latencies, 0.99),
    signInsPerSecond: Object.fromEntries(signIns) as Record<string, number>,
  };
}

let sent = 0;

/** Every attempt has another account and comes from another address, so that no limit of one of them stops it. */
function openAttacker(): LoadClient {
  return {
    next: () => {
      sent += 1;
      const body = { email: `nobody-${sent}@example.com`, password: 'wrong password, wrong password' };
      return requestBytes('POST', '/api/auth/login', { 'x-forwarded-for': addressOf(sent) }, body);
    },
  };
}
