import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface ReceivedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Empty of the first span of a trace. */
  parentId: string;
}

export interface SpanReceiver extends AsyncDisposable {
  origin: string;
  spans: readonly ReceivedSpan[];
}

/** Takes in spans as an OTLP collector does over HTTP. */
export async function openSpanReceiver(): Promise<SpanReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    void request.toArray().then((parts: Buffer[]) => {
      if (request.url === '/v1/traces') spans.push(...spansOf(Buffer.concat(parts)));
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** ExportTraceServiceRequest, of opentelemetry-proto: resource_spans = 1, in it resource = 1, scope_spans = 2, in that spans = 2. */
function spansOf(request: Buffer): ReceivedSpan[] {
  return fieldsOf(request, 1).flatMap((resourceSpans) => {
    const attributes = fieldsOf(resourceSpans, 1).flatMap((resource) => fieldsOf(resource, 1));
    const service = attributes.find((attribute) => textOf(attribute, 1) === 'service.name');
    return fieldsOf(resourceSpans, 2)
      .flatMap((scopeSpans) => fieldsOf(scopeSpans, 2))
      .map((span) => ({
        service: service === undefined ? '' : textOf(fieldsOf(service, 2)[0] ?? Buffer.alloc(0), 1),
        traceId: fieldsOf(span, 1)[0]?.toString('hex') ?? '',
        spanId: fieldsOf(span, 2)[0]?.toString('hex') ?? '',
        parentId: fieldsOf(span, 4)[0]?.toString('hex') ?? '',
        name: textOf(span, 5),
      }));
  });
}

function textOf(message: Buffer, field: number): string {
  return fieldsOf(message, field)[0]?.toString() ?? '';
}

/** The length-delimited values of one field of a protobuf message. */
function fieldsOf(message: Buffer, field: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message.readUInt8(at);
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const type = tag & 7;
    if (type === 0) varint();
    else if (type === 2) {
      const length = varint();
      if (tag >>> 3 === field) found.push(message.subarray(at, at + length));
      at += length;
    } else at += type === 1 ? 8 : 4;
  }
  return found;
}
