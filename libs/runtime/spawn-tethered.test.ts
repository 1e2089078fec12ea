import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { settledWithin } from '#runtime/deadline.ts';
import { spawnTethered } from '#runtime/spawn-tethered.ts';

const options = { endSignal: 'SIGTERM', graceMs: 300 } as const;
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const gone = async (pid: number): Promise<boolean> => {
  for (let tries = 0; tries < 100 && isAlive(pid); tries += 1) await new Promise((wake) => setTimeout(wake, 50));
  return !isAlive(pid);
};

it('hands over the output line by line and the exit code', async () => {
  const lines: string[] = [];
  const command = await spawnTethered('sh', ['-c', 'echo one; echo two >&2; exit 7'], {
    ...options,
    onLine: (line) => lines.push(line),
  });
  expect(await command.ended).toBe(7);
  expect(lines.toSorted()).toEqual(['one', 'two']);
  expect(command.running).toBe(false);
});

/** A shell script that has said it is ready, so that its traps are set. */
async function startReady(script: string) {
  const ready = Promise.withResolvers<void>();
  const command = await spawnTethered('sh', ['-c', `${script}; echo ready; while :; do sleep 0.05; done`], {
    ...options,
    onLine: () => ready.resolve(),
  });
  await ready.promise;
  return command;
}

it('stops a command with the first signal it heeds', async () => {
  const command = await startReady('trap "" TERM; trap "exit 3" HUP');
  await command.stop([
    ['SIGTERM', 200],
    ['SIGHUP', 5_000],
  ]);
  expect(await command.ended).toBe(3);
});

it('kills a command that heeds nothing', async () => {
  const command = await startReady('trap "" TERM');
  await command.stop([['SIGTERM', 200]]);
  expect(await command.ended).toBe(128 + 9);
});

it.each([
  ['exec sleep 60', 'heeds the end signal'],
  ['trap "" TERM; while :; do sleep 0.05; done', 'ignores the end signal'],
])('ends `%s` when its parent is killed (%s)', async (script) => {
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { spawnTethered } from '#runtime/spawn-tethered.ts';
       const child = await spawnTethered('sh', ['-c', ${JSON.stringify(script)}], ${JSON.stringify(options)});
       console.log(child.pid);
       setInterval(() => undefined, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  expect(isAlive(Number(line))).toBe(true);
  parent.kill('SIGKILL');
  expect(await gone(Number(line))).toBe(true);
});

it('shows a command that does not exist as exit code 127', async () => {
  const command = await spawnTethered('/nowhere/at-all', [], options);
  expect(await settledWithin(5_000, command.ended)).toBe(true);
  expect(await command.ended).toBe(127);
});
