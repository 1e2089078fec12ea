import { expect, it } from 'vitest';
import { openHashGate } from '#access/hash-gate.ts';

function work() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { begin: () => promise, finish: resolve, fail: reject };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('runs as many at once as there are permits, and the others in order', async () => {
  const gate = openHashGate({ permits: 2, maxWaiting: 10 });
  const works = Array.from({ length: 4 }, work);
  const order: number[] = [];
  const all = works.map(({ begin }, index) =>
    gate.run(() => {
      order.push(index);
      return begin();
    }),
  );
  await turn();
  expect([order, gate.running, gate.waiting]).toEqual([[0, 1], 2, 2]);
  works[1]?.finish();
  await turn();
  expect([order, gate.running, gate.waiting]).toEqual([[0, 1, 2], 2, 1]);
  for (const { finish } of works) finish();
  await Promise.all(all);
  expect([order, gate.running, gate.waiting]).toEqual([[0, 1, 2, 3], 0, 0]);
});

it('leaves one permit unused while some have to wait, and uses it again when nobody does', async () => {
  const gate = openHashGate({ permits: 2, permitsInCrowd: 1, maxWaiting: 10 });
  const works = Array.from({ length: 4 }, work);
  const all = works.map(({ begin }) => gate.run(begin));
  const states: number[][] = [];
  for (const { finish } of works) {
    states.push([gate.running, gate.waiting]);
    finish();
    await turn();
  }
  await Promise.all(all);
  expect(states).toEqual([
    [2, 2],
    [1, 2],
    [1, 1],
    [1, 0],
  ]);
  const [one, other] = [work(), work()];
  const both = [gate.run(one.begin), gate.run(other.begin)];
  expect(gate.running).toBe(2);
  one.finish();
  other.finish();
  await Promise.all(both);
});

it('lets nobody overtake those who wait', async () => {
  const gate = openHashGate({ permits: 2, permitsInCrowd: 1, maxWaiting: 10 });
  const works = Array.from({ length: 4 }, work);
  const all = works.slice(0, 3).map(({ begin }) => gate.run(begin));
  works[0]?.finish();
  await turn();
  all.push(gate.run(works[3]?.begin ?? (async () => undefined)));
  expect([gate.running, gate.waiting]).toEqual([1, 2]);
  for (const { finish } of works) finish();
  await Promise.all(all);
  expect([gate.running, gate.waiting]).toEqual([0, 0]);
});

it('refuses past the queue at once, so that memory and waits are bounded', async () => {
  const gate = openHashGate({ permits: 1, maxWaiting: 1 });
  const [first, second] = [work(), work()];
  const running = [gate.run(first.begin), gate.run(second.begin)];
  await expect(gate.run(async () => undefined)).rejects.toMatchObject({ code: 'sign-in-busy' });
  first.finish();
  second.finish();
  await Promise.all(running);
});

it('holds the permit until the work is over, whoever stopped waiting', async () => {
  const gate = openHashGate({ permits: 1, maxWaiting: 5 });
  const slow = work();
  const abandoned = Promise.race([gate.run(slow.begin), Promise.reject(new Error('the client went away'))]);
  await expect(abandoned).rejects.toThrow('went away');
  expect(gate.running).toBe(1);
  slow.finish();
  await turn();
  expect(gate.running).toBe(0);
});

it('frees the permit of work that failed', async () => {
  const gate = openHashGate({ permits: 1, maxWaiting: 5 });
  await expect(gate.run(() => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
  expect(gate.running).toBe(0);
});
