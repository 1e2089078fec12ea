import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, on every architecture (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

interface Stat {
  pid: number;
  parent: number;
  ticks: number;
}

/** proc(5): the name in brackets may hold spaces, so the fields are counted behind it. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    return { pid, parent: fields[1] ?? 0, ticks: utime + stime + cutime + cstime };
  } catch {
    return undefined;
  }
}

/** CPU-seconds that these processes and all below them have taken so far, those that have ended included. */
export function cpuSecondsOf(roots: readonly number[]): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== undefined);
  const wanted = new Set(roots);
  for (let size = -1; size !== wanted.size;) {
    size = wanted.size;
    for (const { pid, parent } of stats) if (wanted.has(parent)) wanted.add(pid);
  }
  return stats.reduce((sum, { pid, ticks }) => (wanted.has(pid) ? sum + ticks : sum), 0) / TICKS_PER_SECOND;
}

/** CPU-seconds that everything on this machine has taken since it was started (proc(5), the first line of /proc/stat). */
export function cpuSecondsOfMachine(): number {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/ +/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}
