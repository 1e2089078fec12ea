import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');

/** Loads the ingress and opens traces in a process of its own, and counts the modules of OpenTelemetry's SDK; BullMQ loads its API. */
const script = (endpoint: string | undefined): string => `
  import { registerHooks } from 'node:module';
  let loaded = 0;
  registerHooks({ resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (/@opentelemetry\\/(sdk|exporter|resources)/.test(found.url)) loaded += 1;
    return found;
  } });
  await import('./apps/ingress/open-ingress.ts');
  const { openTraces } = await import('./libs/runtime/open-traces.ts');
  const stack = new AsyncDisposableStack();
  const traces = await openTraces({ endpoint: ${JSON.stringify(endpoint)}, service: 'test', stack });
  console.log(JSON.stringify([traces !== undefined, loaded > 0]));
  await stack.disposeAsync();`;

it.each([
  ['no SDK without an endpoint', undefined, [false, false]],
  ['it with one', 'http://127.0.0.1:9', [true, true]],
])('loads %s', async (_, endpoint, expected) => {
  const args = ['--input-type=module', '--eval', script(endpoint)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repository });
  expect(JSON.parse(stdout)).toEqual(expected);
});
