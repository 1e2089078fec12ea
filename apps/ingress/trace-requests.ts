import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Traces } from '#runtime/traces.ts';

export interface RequestTraces {
  /** Begins the span of a request, which ends with its answer. */
  begin(request: IncomingMessage & { route?: { path: unknown } }, response: ServerResponse): void;
  traceparentOf: (request: IncomingMessage) => string | undefined;
}

/** One new trace a request: a `traceparent` from outside is not believed (W3C Trace Context, section 7.1: restart). */
export function traceRequests(traces: Traces): RequestTraces {
  const traceparents = new WeakMap<IncomingMessage, string>();
  return {
    begin(request, response) {
      const { method = '' } = request;
      const span = traces.start(`HTTP ${method}`, { kind: 'server', attributes: { 'http.request.method': method } });
      traceparents.set(request, span.traceparent);
      response.once('close', () => {
        const route = request.route?.path;
        span.end({
          attributes: {
            'http.response.status_code': response.statusCode,
            ...(typeof route === 'string' ? { 'http.route': route } : {}),
          },
        });
      });
    },
    traceparentOf: (request) => traceparents.get(request),
  };
}
