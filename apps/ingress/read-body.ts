import type { IncomingMessage } from 'node:http';
import type { Gathered } from '#runtime/block-store.ts';
import type { Deadlines } from '#runtime/deadlines.ts';
import { Failure } from '#runtime/failure.ts';
import type { BodyBudget, BodyShare } from './body-budget.ts';

/** A body up to this is kept in the buffers it came in; beyond it is copied into memory that is used again. */
const UNGATHERED_BYTES = 64 * 1024;
/** How often a reader that we held up ourselves gets the whole time again. */
const MORE_TIMES = 2;

export interface ReadLimits {
  maxBytes: number;
  /** How long the whole body may take. */
  deadlines: Deadlines;
}

/** What is done with a body. */
export interface BodyUse<T> {
  /** Sees the bytes only during the call and may keep none of them; what it returns, if anything, is the answer. */
  look: (body: Buffer) => T | undefined;
  /** Has the bytes for itself. */
  use: (body: Buffer) => Promise<T>;
}

/**
 * Reads a whole body, counting as it comes, and looks at it; if that gives no answer, `use` does. The body counts against the
 * budget until then.
 * @throws Failure `too-large`, `request-slow`, or `request-malformed` if the sender goes away.
 */
export async function withBody<T>(
  request: IncomingMessage,
  budget: BodyBudget,
  limits: ReadLimits,
  { look, use }: BodyUse<T>,
): Promise<T> {
  const share = budget.open(request);
  const large = budget.blocks.open();
  try {
    const small = await readBody(request, limits, large, share);
    if (small !== undefined) return look(small) ?? (await use(small));
    const answer = budget.blocks.look(large, look);
    if (answer !== undefined) return answer;
    const body = Buffer.allocUnsafeSlow(large.bytes);
    large.copyInto(body);
    large.free();
    return await use(body);
  } finally {
    large.free();
    share.close();
  }
}

/** Resolves with a body that is small; a larger one is gathered in `large`. */
function readBody(
  request: IncomingMessage,
  { maxBytes, deadlines }: ReadLimits,
  large: Gathered,
  share: BodyShare,
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    let moreTimes = MORE_TIMES;
    const settle = (action: () => void): void => {
      arrived();
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
      action();
    };
    const onLate = (): void => {
      if (moreTimes > 0 && share.wasHeldUp()) {
        moreTimes -= 1;
        arrived = deadlines.add(onLate);
        return;
      }
      settle(() => reject(new Failure('request-slow')));
    };
    let arrived = deadlines.add(onLate);
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        settle(() => reject(new Failure('too-large')));
        return;
      }
      share.grew(chunk.length);
      if (bytes <= UNGATHERED_BYTES) {
        chunks.push(chunk);
        return;
      }
      for (const earlier of chunks) large.append(earlier);
      chunks = [];
      large.append(chunk);
    };
    const onEnd = (): void => settle(() => resolve(large.bytes > 0 ? undefined : wholeOf(chunks)));
    const onGone = (): void =>
      settle(() => reject(new Failure('request-malformed', { detail: 'the body ended early' })));
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
  });
}

function wholeOf(chunks: readonly Buffer[]): Buffer {
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
