import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { IS_DEBUGGED, TURNS, type LoopWatch } from '#runtime/end-when-blocked.ts';

const { name, limitMs, lookMs, state } = workerData as LoopWatch;
const rest = new Int32Array(new SharedArrayBuffer(4));
let seen = 0;
// Counted in looks and not by the clock: while the process is stopped or the machine sleeps, we don't look either.
let looks = 0;

while (looks * lookMs < limitMs) {
  Atomics.wait(rest, 0, 0, lookMs);
  const turns = Atomics.load(state, TURNS);
  const isStill = turns === seen && turns > 0 && Atomics.load(state, IS_DEBUGGED) === 0;
  looks = isStill ? looks + 1 : 0;
  seen = turns;
}
const msg = `the event loop stands still for ${limitMs} ms: ending to be started again`;
// The log writes through the loop that stands still.
writeSync(1, `${JSON.stringify({ level: 60, time: new Date().toISOString(), pid: process.pid, name, msg })}\n`);
process.kill(process.pid, 'SIGKILL');
