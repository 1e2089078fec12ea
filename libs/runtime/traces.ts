import { url } from '#runtime/config.ts';

export const traceSettings = {
  /** Base address of an OTLP receiver (HTTP, protobuf); spans are posted to `/v1/traces` below it. */
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http', 'https').optional(),
};

export type SpanAttributes = Record<string, string | number | boolean>;

export interface SpanStart {
  kind: 'server' | 'consumer' | 'internal' | 'client';
  /** The `traceparent` of what this belongs to; without one a new trace begins. */
  parent?: string | null | undefined;
  attributes?: SpanAttributes;
}

export interface Span {
  /** W3C Trace Context, level 1: what belongs to this span has it as parent. */
  readonly traceparent: string;
  end(result?: { error?: unknown; attributes?: SpanAttributes }): void;
}

export interface Traces {
  /** Never waits and never throws. */
  start(name: string, start: SpanStart): Span;
  /** Sends what has ended. */
  close(): Promise<void>;
}

/** Ends the spans when the work has. */
export async function whileTraced<T>(spans: readonly Span[], work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    for (const span of spans) span.end();
    return result;
  } catch (error) {
    for (const span of spans) span.end({ error });
    throw error;
  }
}
