import NodeClam from 'clamscan';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { isFailure } from '#runtime/failure.ts';
import { connectClamd, type ClamdAddress } from '#uploads/clamd-connection.ts';
import { openClamdLink } from '#uploads/clamd-link.ts';
import { inconclusive, verdictOf } from '#uploads/clamd-reply.ts';
import type { Scanner, ScanSource, ScanVerdict } from '#uploads/scanner.ts';

export interface ClamscanOptions {
  address: ClamdAddress;
  /** Absolute, from the connection to the verdict; longer than clamd's own MaxScanTime. */
  deadlineMs?: number;
}

const DEADLINE_MS = 90_000;
const CLEAN = 'stream: OK\0';

/**
 * The Scanner over npm's `clamscan`, which on its own fails open: it takes an empty stream, a cut answer and two
 * answers for "not infected", never settles when clamd is silent, ignores back-pressure, and leaves sockets behind
 * (kylefarris/clamscan 2.4.0). So it gets a socket of ours (clamd-link.ts) that only ever shows it one whole answer, a
 * source that waits for that socket, and a deadline; and its answer counts only where ours says exactly the same.
 */
export async function openClamscanScanner({ address, deadlineMs = DEADLINE_MS }: ClamscanOptions): Promise<Scanner> {
  const client = await new NodeClam().init({
    preference: 'clamdscan',
    clamscan: { active: false, path: null },
    clamdscan: { host: 'clamd.invalid', port: 1, path: null, localFallback: false, bypassTest: true, timeout: 0 },
  });
  if (typeof client._initSocket !== 'function') throw new Error('this clamscan is not the 2.4.0 that was looked into');

  return {
    async scan(source, signal) {
      if (source.sizeBytes === 0) throw new Error('an empty file is never scanned: clamscan would call it clean');
      const socket = await connectClamd(address);
      try {
        return await scanOn(socket, client, source, { deadlineMs, signal });
      } finally {
        socket.destroy();
      }
    },
  };
}

async function scanOn(
  socket: Socket,
  client: NodeClam,
  source: ScanSource,
  { deadlineMs, signal }: { deadlineMs: number; signal: AbortSignal | undefined },
): Promise<ScanVerdict> {
  const link = openClamdLink(socket);
  const bytes = openBytes(source, (chunk) => link.sent(chunk));
  const ended = Promise.withResolvers<never>();
  const onAbort = (): void => ended.reject(signal?.reason);
  const timer = setTimeout(() => ended.reject(inconclusive('timeout')), deadlineMs);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  try {
    const theirs = scanByPackage(client, link.stream, bytes.stream);
    theirs.catch(() => undefined);
    const reply = await Promise.race([link.reply, bytes.failed, ended.promise]);
    if (bytes.isTampered()) return { kind: 'tampered' };
    const verdict = verdictOf(reply);
    if (verdict.kind !== 'clean') return verdict;
    if (!link.wasAnswerLast() || !bytes.isComplete()) throw inconclusive('bad-reply');
    const { isInfected, resultString } = await Promise.race([theirs, ended.promise]);
    if (isInfected !== false || resultString !== CLEAN) throw inconclusive('bad-reply');
    return verdict;
  } catch (error) {
    if (bytes.isTampered()) return { kind: 'tampered' };
    throw isFailure(error) || error === signal?.reason ? error : inconclusive('io', error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    bytes.stream.destroy();
    link.stream.destroy();
  }
}

/** The package's own instance, but with a socket of ours for this one scan. */
async function scanByPackage(client: NodeClam, link: Awaited<ReturnType<NodeClam['_initSocket']>>, bytes: Readable) {
  const one = Object.create(client) as NodeClam;
  one._initSocket = async () => link;
  return one.scanStream(bytes);
}

interface SourceBytes {
  stream: Readable;
  /** Never resolves. */
  failed: Promise<never>;
  /** All stored bytes were handed out, and their digest is the stored one. */
  isComplete(): boolean;
  /** They end early, go on too long, or have another digest: the terminator is not sent then. */
  isTampered(): boolean;
}

/**
 * The source's bytes, counted and hashed as they are handed out. Each chunk has left before the next is asked for, so a
 * source may read into one buffer again and again.
 */
function openBytes(source: ScanSource, sent: (chunk: Buffer) => Promise<void>): SourceBytes {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let state: 'reading' | 'complete' | 'tampered' = 'reading';

  async function* paced(): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let sentBytes = 0;
    for await (const chunk of source.read()) {
      sentBytes += chunk.length;
      if (sentBytes > source.sizeBytes) break;
      hash.update(chunk);
      const hasLeft = sent(chunk);
      yield chunk;
      await hasLeft;
    }
    state = sentBytes === source.sizeBytes && hash.digest().equals(source.sha256) ? 'complete' : 'tampered';
    if (state === 'tampered') throw inconclusive('io');
  }

  const stream = Readable.from(paced(), { objectMode: false, highWaterMark: 1 });
  stream.on('error', (error) => failed.reject(error));
  return {
    stream,
    failed: failed.promise,
    isComplete: () => state === 'complete',
    isTampered: () => state === 'tampered',
  };
}
