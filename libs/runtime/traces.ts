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

/**
 * Does some work in a span of its own, whose `traceparent` it is handed, or its parent's where no traces are made.
 * `attributesOf` says what came of it.
 */
export function inSpan<T>(
  traces: Traces | undefined,
  { name, attributesOf, ...start }: SpanStart & { name: string; attributesOf?: (result: T) => SpanAttributes },
  work: (traceparent: string | null | undefined) => Promise<T>,
): Promise<T> {
  if (traces === undefined) return work(start.parent);
  const span = traces.start(name, start);
  return endingWith([span], () => work(span.traceparent), attributesOf);
}

/** Ends the spans when the work has. */
export function whileTraced<T>(spans: readonly Span[], work: () => Promise<T>): Promise<T> {
  return endingWith(spans, work);
}

async function endingWith<T>(
  spans: readonly Span[],
  work: () => Promise<T>,
  attributesOf: (result: T) => SpanAttributes = () => ({}),
): Promise<T> {
  try {
    const result = await work();
    for (const span of spans) span.end({ attributes: attributesOf(result) });
    return result;
  } catch (error) {
    for (const span of spans) span.end({ error });
    throw error;
  }
}
