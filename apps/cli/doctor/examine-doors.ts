import { isLoopback } from '#runtime/address.ts';
import { valueOf, type Environment } from '#runtime/config.ts';
import { unknown, well, worthALook, wrong, type Finding } from './finding.ts';

const LIMIT_MS = 3_000;

export interface Doors {
  /** Base addresses. */
  ingress: string;
  board: string;
}

/** Knocks at what is open, as somebody without credentials. */
export async function examineDoors(env: Environment, { ingress, board }: Doors): Promise<Finding[]> {
  return [
    ...(await boardDoor(board)),
    ...(await metricsDoor(ingress)),
    ...(await readiness(ingress)),
    ...transport(env),
    ...boardPlace(env),
  ];
}

async function boardDoor(board: string): Promise<Finding[]> {
  const status = await statusOf(`${board}/`);
  if (status === undefined) return [unknown(`the board: nothing answers at ${board}`)];
  if (isShown(status)) {
    const fix = 'take it off the network at once, and look for what is in front of it';
    return [wrong(`the board answers ${status} to whoever asks`, fix)];
  }
  return status === 401
    ? [well('the board asks for a password')]
    : [unknown(`the board: ${board} answers ${status}${status === 429 ? ', as after wrong passwords' : ''}`)];
}

/** As through a proxy: on the machine itself it may be open. */
async function metricsDoor(ingress: string): Promise<Finding[]> {
  const status = await statusOf(`${ingress}/metrics`, { 'x-forwarded-for': '203.0.113.1' });
  if (status === undefined) return [unknown(`the ingress: nothing answers at ${ingress}`)];
  if (isShown(status)) return [wrong(`/metrics answers ${status} to whoever asks`, 'set METRICS_TOKEN')];
  return status === 403
    ? [well('metrics are not for everyone')]
    : [unknown(`metrics: ${ingress}/metrics answers ${status}`)];
}

/** Anything else, such as a proxy's own error or its way to a sign-in page, tells nothing of what stands behind. */
const isShown = (status: number): boolean => status >= 200 && status < 300;

async function readiness(ingress: string): Promise<Finding[]> {
  const status = await statusOf(`${ingress}/readyz`);
  if (status === undefined) return [];
  return status === 200
    ? [well('the ingress is ready')]
    : [wrong(`the ingress is not ready (${status})`, `curl ${ingress}/readyz says why`)];
}

function transport(env: Environment): Finding[] {
  const url = valueOf('PUBLIC_URL', env);
  if (url === undefined || !URL.canParse(url)) return [];
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:' || hostname === 'localhost' || isLoopback(hostname)) return [];
  return [
    wrong('PUBLIC_URL is not https: passwords and tokens go over the network in the clear', 'put a TLS proxy in front'),
  ];
}

function boardPlace(env: Environment): Finding[] {
  const host = valueOf('BOARD_HOST', env);
  if (host === undefined || host === 'localhost' || isLoopback(host)) return [];
  return [worthALook(`the board listens on ${host}`, 'let only a private network or a proxy reach it')];
}

async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(LIMIT_MS) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}
