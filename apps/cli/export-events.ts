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
    const last = await cutToLastLine(file, path);
    await requireSameChain(pool, last, path);
    const after = last.position;
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

interface Place {
  position: number;
  hash: string;
}

const BEGINNING: Place = { position: 0, hash: '' };

/** A database that was restored goes on with other events than those that the file may hold. */
async function requireSameChain(pool: Pool, { position, hash }: Place, path: string): Promise<void> {
  if (position === 0) return;
  const [sealed] = await readSealed(pool, position - 1, 1);
  if (sealed?.hash !== hash) throw new UsageError(`${path} holds events of another chain: export to a new file`);
}

/** Removes what comes after the last whole line. @returns the place in that line; the beginning for an empty file. */
async function cutToLastLine(file: FileHandle, path: string): Promise<Place> {
  const { size } = await file.stat();
  if (size === 0) return BEGINNING;
  const begin = Math.max(0, size - TAIL_BYTES);
  const { buffer } = await file.read({ buffer: Buffer.alloc(size - begin), position: begin });
  let end = buffer.lastIndexOf(0x0a);
  while (end >= 0) {
    const start = end === 0 ? 0 : buffer.lastIndexOf(0x0a, end - 1) + 1;
    const place = placeIn(buffer.toString('utf8', start, end));
    if (place !== undefined) {
      await file.truncate(begin + end + 1);
      return place;
    }
    end = start - 1;
  }
  if (begin === 0 && !buffer.includes(0x0a) && buffer.subarray(0, LINE_BEGIN.length).equals(LINE_BEGIN)) {
    await file.truncate(0);
    return BEGINNING;
  }
  throw new UsageError(`${path} was not written by this tool`);
}

function placeIn(line: string): Place | undefined {
  try {
    const { position, hash } = JSON.parse(line) as { position?: unknown; hash?: unknown };
    const isPlace = typeof position === 'number' && Number.isSafeInteger(position) && typeof hash === 'string';
    return isPlace ? { position, hash } : undefined;
  } catch {
    return undefined;
  }
}
