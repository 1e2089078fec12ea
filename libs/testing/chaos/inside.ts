import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { environment } from '#runtime/config.ts';

/*
 * Loaded into each process of a chaos run before its own code: gives the worker a handler whose effects are counted, and on
 * SIGUSR2 sets the clock to what the control file says and prints how much memory is alive.
 */
const worker = new URL('../../../apps/worker/main.ts', import.meta.url).href;
const handlers = new URL('handlers.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './handlers.ts' && context.parentURL === worker
      ? { url: handlers, shortCircuit: true }
      : next(specifier, context),
});

const control = environment()['CHAOS_CONTROL'];
const RealDate = Date;
let offsetMs = 0;

class SteppedDate extends RealDate {
  constructor(...args: [] | [number | string | Date]) {
    super(...((args.length === 0 ? [RealDate.now() + offsetMs] : args) as [number]));
  }
  static override now(): number {
    return RealDate.now() + offsetMs;
  }
}

process.on('SIGUSR2', () => {
  if (control !== undefined) offsetMs = Number(readFileSync(control, 'utf8'));
  if (offsetMs !== 0) globalThis.Date = SteppedDate as DateConstructor;
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ chaosMemory: { rss, live: heapUsed + external } })}\n`);
});
