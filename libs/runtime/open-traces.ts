import type { Traces } from '#runtime/traces.ts';

/** Traces of one process; undefined without an endpoint, and then no SDK is loaded. */
export async function openTraces(parts: {
  endpoint: string | undefined;
  service: string;
  stack: AsyncDisposableStack;
}): Promise<Traces | undefined> {
  const { endpoint, service, stack } = parts;
  if (endpoint === undefined) return undefined;
  const { exportTraces } = await import('#runtime/export-traces.ts');
  return stack.adopt(exportTraces(endpoint, service), (opened) => opened.close());
}
