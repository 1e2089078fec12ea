import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { spawnTethered, type TetheredProcess } from '#runtime/spawn-tethered.ts';

const LIMIT_MS = 1_500;
const KILLED = 128 + 9;

vi.setConfig({ testTimeout: 30_000 });

/** A process under the watch that does `work`, and then ends with 0. */
async function watched(work: string, flags: readonly string[] = []): Promise<TetheredProcess & { lines: string[] }> {
  const lines: string[] = [];
  const module = JSON.stringify(join(import.meta.dirname, 'end-when-blocked.ts'));
  const script = `
    const { endWhenBlocked } = await import(${module});
    const { setTimeout: sleep } = await import('node:timers/promises');
    const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    const end = endWhenBlocked({ name: 'worker', limitMs: ${LIMIT_MS}, lookMs: 100 });
    await sleep(500);
    console.log('begun');
    ${work}
    await end();`;
  const child = await spawnTethered(process.execPath, [...flags, '--input-type=module', '-e', script], {
    endSignal: 'SIGKILL',
    graceMs: 0,
    onLine: (line) => lines.push(line),
  });
  onTestFinished(() => child.stop([]));
  return Object.assign(child, { lines });
}

it('ends a process whose event loop stands still, and says why', async () => {
  const child = await watched(`block(60_000);`);
  expect(await child.ended).toBe(KILLED);
  expect(JSON.parse(child.lines.at(-1) ?? '')).toMatchObject({
    level: 60,
    name: 'worker',
    msg: `the event loop stands still for ${LIMIT_MS} ms: ending to be started again`,
  });
});

it('leaves alone a process that is busy and still turns', async () => {
  const child = await watched(`for (let n = 0; n < 8; n += 1) { block(300); await sleep(60); }`);
  expect(await child.ended).toBe(0);
});

it('leaves alone a process that was stopped as a whole', async () => {
  const child = await watched(`await sleep(1_000);`);
  await expect.poll(() => child.lines, { timeout: 10_000 }).toContain('begun');
  child.signal('SIGSTOP');
  await sleep(LIMIT_MS + 500);
  child.signal('SIGCONT');
  expect(await child.ended).toBe(0);
});

it('leaves alone a process that a debugger may hold', async () => {
  const child = await watched(`block(${LIMIT_MS + 1_000});`, ['--inspect=127.0.0.1:0']);
  expect(await child.ended).toBe(0);
});
