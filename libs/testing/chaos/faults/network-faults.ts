import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Struck } from '#testing/chaos/fault.ts';
import type { Proxy } from '#testing/proxy.ts';

const LATENCY_MS = 200;

/** Some connection of the system; where Sentinels choose among servers, that to the chosen one as likely as any other. */
async function pickProxy({ system, random }: Struck): Promise<Proxy> {
  const front = await system.sentinel?.frontOfMaster();
  return random.pick([...Object.values(system.proxies), ...(front === undefined ? [] : [front, front])]);
}

/** What is between processes and stores. */
export const networkFaults: readonly Fault[] = [
  {
    id: 'F8',
    title: 'half-open connections',
    strike: async (struck) => (await pickProxy(struck)).silence(),
  },
  {
    id: 'F8',
    title: 'connections refused',
    async strike(struck) {
      const proxy = await pickProxy(struck);
      await proxy.refuse();
      await sleep(struck.seconds * 1_000);
      await proxy.accept();
    },
  },
  {
    id: 'F8',
    title: 'connections reset',
    strike: async (struck) => (await pickProxy(struck)).reset(),
  },
  {
    id: 'F8',
    title: 'pauses of 200 ms',
    async strike(struck) {
      const proxy = await pickProxy(struck);
      for (let times = 0; times < struck.seconds * 2; times += 1) {
        const release = proxy.hold();
        await sleep(LATENCY_MS);
        release();
        await sleep(LATENCY_MS);
      }
    },
  },
];
