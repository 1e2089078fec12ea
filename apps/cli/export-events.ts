import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { readSealed, type SealedEvent } from '#audit/read-sealed.ts';
import type { Pool } from '#database/pool.ts';
import { takeLock } from '../../setup/lock.mjs';
import { UsageError } from './usage-error.ts';

const EVENTS_PER_PAGE = 1_000;
/** More than a page can take: what was not synced when the machine stopped lies in here. */
const TAIL_BYTES = 16 * 1024 * 1024;
const LINE_BEGIN = Buffer.from('{"position":');

/** Writes sealed events after a position to the standard output, one a line. */
export async function exportToOutput(pool: Pool, after: number): Promise<void> {
  for await (const page of pages(pool, after)) {
    if (!process.stdout.write(linesOf(page))) await once(process.stdout, 'drain');
  }
}

/**
 * Appends to a file what is not in it yet. The file's last whole line is the cursor, so that an end at any moment leaves
 * neither a gap nor a repetition: a line that was cut off is written again.
 */
export async function exportToFile(pool: Pool, path: string): Promise<{ from: number; through: number }> {
  const lock = `${path}.lock`;
  const holder = takeLock(lock);
  if (holder !== undefined) throw new UsageError(`process ${holder} is writing to ${path}`);
  const file = await open(path, 'a+', 0o600);
  try {
    const after = await cutToLastLine(file, path);
    let through = after;
    for await (const page of pages(pool, after)) {
      await file.appendFile(linesOf(page));
      await file.datasync();
      through = page.at(-1)?.position ?? through;
    }
    return { from: after + 1, through };
  } finally {
    await file.close();
    rmSync(lock, { force: true });
  }
}

async function* pages(pool: Pool, after: number): AsyncGenerator<SealedEvent[]> {
  let position = after;
  for (;;) {
    const page = await readSealed(pool, position, EVENTS_PER_PAGE);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    position = last.position;
  }
}

function linesOf(events: readonly SealedEvent[]): string {
  return events.map(({ event = null, ...place }) => `${JSON.stringify({ ...place, event })}\n`).join('');
}

/** Removes what comes after the last whole line. @returns the position in that line; 0 for an empty file. */
async function cutToLastLine(file: FileHandle, path: string): Promise<number> {
  const { size } = await file.stat();
  if (size === 0) return 0;
  const begin = Math.max(0, size - TAIL_BYTES);
  const { buffer } = await file.read({ buffer: Buffer.alloc(size - begin), position: begin });
  let end = buffer.lastIndexOf(0x0a);
  while (end >= 0) {
    const start = end === 0 ? 0 : buffer.lastIndexOf(0x0a, end - 1) + 1;
    const position = positionIn(buffer.toString('utf8', start, end));
    if (position !== undefined) {
      await file.truncate(begin + end + 1);
      return position;
    }
    end = start - 1;
  }
  if (begin === 0 && !buffer.includes(0x0a) && buffer.subarray(0, LINE_BEGIN.length).equals(LINE_BEGIN)) {
    await file.truncate(0);
    return 0;
  }
  throw new UsageError(`${path} was not written by this tool`);
}

function positionIn(line: string): number | undefined {
  try {
    const { position } = JSON.parse(line) as { position?: unknown };
    return typeof position === 'number' && Number.isSafeInteger(position) ? position : undefined;
  } catch {
    return undefined;
  }
}
