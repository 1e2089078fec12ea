import { environment } from '#runtime/config.ts';
import { settledWithin } from '#runtime/deadline.ts';
import { readStandaloneConfig } from './settings.ts';
import { startStandalone } from './standalone.ts';

/** A start that is asked to stop ends at its next step. */
const ABANDON_LIMIT_MS = 5_000;
/** npm may pass on the very Ctrl-C that reached us. */
const SAME_KEYSTROKE_MS = 500;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const asked = new AbortController();
const ended = endSignal();
const stack = new AsyncDisposableStack();
let exitCode = 0;

try {
  const config = readStandaloneConfig();
  const starting = startStandalone({ config, env: environment(), stack, say, signal: asked.signal });
  await Promise.race([starting, ended]);
  const reason = await ended;
  say(`\nStopping (${reason})`);
  await settledWithin(ABANDON_LIMIT_MS, starting);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  exitCode = 1;
}
await stack.disposeAsync();
if (exitCode === 0) say('Stopped. The next npm start finds the data.');
process.exit(exitCode);

/** Ctrl-C, SIGTERM, a closed terminal, or the end of the set-up that started us. A second Ctrl-C ends at once. */
function endSignal(): Promise<string> {
  return new Promise((resolve) => {
    let askedAtMs: number | undefined;
    const end = (reason: string): void => {
      const now = Date.now();
      if (askedAtMs !== undefined && now - askedAtMs > SAME_KEYSTROKE_MS && reason === 'SIGINT') process.exit(130);
      askedAtMs ??= now;
      asked.abort();
      resolve(reason);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(signal));
    process.once('disconnect', () => end('parent gone'));
  });
}
