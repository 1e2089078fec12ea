import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from './exchange.ts';
import type { Sender, Step } from './sender.ts';

const MAX_SOCKETS = 256;
const TICK_MS = 10;

/** Sends at a steady rate, whether answers come or not, and sums up what came. */
export async function sendRate(sender: Sender, perSecond: number, seconds: number): Promise<Step[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const total = Math.round(perSecond * seconds);
  const answers: Promise<{ status: string; ms: number }>[] = [];
  const startedAt = performance.now();
  while (answers.length < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - startedAt) / 1_000) * perSecond));
    while (answers.length < due) answers.push(sendTimed(sender, agent));
    await sleep(TICK_MS);
  }
  const settled = await Promise.all(answers);
  agent.destroy();
  const sorted = settled.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const counts = Object.entries(Object.groupBy(settled, ({ status }) => status));
  const outcome = counts.map(([status, group]) => `${status} × ${group?.length ?? 0}`).join(', ');
  const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
  return [
    {
      what: `${total} requests at ${perSecond}/s: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, worst`,
      ok: settled.every(({ status }) => status === '200'),
      outcome,
      ms: sorted.at(-1) ?? 0,
    },
  ];
}

async function sendTimed(sender: Sender, agent: Agent): Promise<{ status: string; ms: number }> {
  const startedAt = performance.now();
  try {
    const { status, ms } = await exchange({ ...sender.signed(sender.next()), agent });
    return { status: String(status), ms };
  } catch (error) {
    return { status: error instanceof Error ? error.message : String(error), ms: performance.now() - startedAt };
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
