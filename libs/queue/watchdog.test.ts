import { describe, expect, it } from 'vitest';
import { openWatchdog, type Watchdog } from '#queue/watchdog.ts';

interface World {
  nowMs: number;
  progressMs: number;
  backlog: number | Error;
  excused: boolean;
  replaced: number;
}

function watched(): { world: World; pass: (seconds: number) => Promise<void>; watchdog: Watchdog } {
  const world: World = { nowMs: 0, progressMs: 0, backlog: 1, excused: false, replaced: 0 };
  const watchdog = openWatchdog({
    backlog: async () => {
      if (world.backlog instanceof Error) throw world.backlog;
      return world.backlog;
    },
    lastProgressMs: () => world.progressMs,
    isExcused: () => world.excused,
    onStuck: () => void (world.replaced += 1),
    limitMs: 60_000,
    now: () => world.nowMs,
  });
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      world.nowMs += 1_000;
      await watchdog.tick();
    }
  }
  return { world, pass, watchdog };
}

describe('the watchdog', () => {
  it('calls once when jobs have waited for 60 s and nothing was done, and again after another 60 s', async () => {
    const { world, pass } = watched();
    await pass(60);
    expect(world.replaced).toBe(0);
    await pass(1);
    expect(world.replaced).toBe(1);
    await pass(60);
    expect(world.replaced).toBe(1);
    await pass(1);
    expect(world.replaced).toBe(2);
  });

  it('counts from when jobs wait, not from the last job: an idle queue is no fault', async () => {
    const { world, pass } = watched();
    world.backlog = 0;
    await pass(3_600);
    world.backlog = 1;
    await pass(60);
    expect(world.replaced).toBe(0);
  });

  it.each<[string, (world: World) => void]>([
    ['any progress', (world) => (world.progressMs = world.nowMs)],
    ['an empty queue', (world) => (world.backlog = 0)],
    ['a store that is away', (world) => (world.backlog = new Error('away'))],
    ['a pause', (world) => (world.excused = true)],
  ])('counts anew after %s', async (_, change) => {
    const { world, pass } = watched();
    await pass(60);
    change(world);
    await pass(1);
    Object.assign(world, { backlog: 1, excused: false });
    await pass(60);
    expect(world.replaced).toBe(0);
  });
});
