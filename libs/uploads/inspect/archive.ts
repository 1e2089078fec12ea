import type { FilePolicy } from '#uploads/file-policy.ts';
import type { ArchiveContext } from '#uploads/inspect/archive-context.ts';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { unpackGzip } from '#uploads/inspect/gzip.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { isGzip, isZip, openMemberCheck } from '#uploads/inspect/member-rules.ts';
import { inspectOoxml, isOoxmlDirectory } from '#uploads/inspect/ooxml.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';
import { openScratchFile } from '#uploads/inspect/scratch-file.ts';
import { isTarHeader, readTar } from '#uploads/inspect/tar.ts';
import { openUnpackBudget } from '#uploads/inspect/unpack-budget.ts';
import { readZipDirectory } from '#uploads/inspect/zip-directory.ts';
import { unpackZipMember } from '#uploads/inspect/zip-member.ts';

const HEAD_BYTES = 512;

export function openArchiveContext(policy: FilePolicy, defer: (refusal: Refusal) => void): ArchiveContext {
  return { policy, budget: openUnpackBudget(), defer, inspectMember };
}

/** Unpacks a ZIP and every archive in it for real, within the limits; nothing is kept, no name is used as a path. */
export async function inspectZip(bytes: FileBytes, context: ArchiveContext, depth = 1): Promise<void> {
  requireDepth(depth);
  const entries = readZipDirectory(bytes);
  if (depth > 1 && isOoxmlDirectory(entries)) return inspectOoxml(bytes, undefined, context, depth);
  for (const entry of entries) {
    context.budget.addEntry();
    const content = unpackZipMember(bytes, entry, context.budget);
    await inspectMember(entry.name, content, context, depth, entry.isDirectory);
  }
}

export async function inspectGzip(bytes: FileBytes, context: ArchiveContext, depth = 1): Promise<void> {
  requireDepth(depth);
  const content = await peek(unpackGzip(bytes, context.budget));
  if (isTarHeader(content.head)) await inspectTar(content.chunks, context, depth);
  else await inspectMember('content.txt', content.chunks, { ...context, defer: () => undefined }, depth);
}

export async function inspectTar(source: AsyncIterable<Buffer>, context: ArchiveContext, depth = 1): Promise<void> {
  requireDepth(depth);
  for await (const { name, content } of readTar(source, context.budget)) {
    await inspectMember(name, content, context, depth);
  }
}

/** Looks into one file inside an archive; if it is an archive itself, one level deeper. */
async function inspectMember(
  name: string,
  source: AsyncIterable<Buffer>,
  context: ArchiveContext,
  depth: number,
  isDirectory = false,
): Promise<void> {
  const { head, chunks } = await peek(source);
  if (isDirectory && head.length > 0) throw new Refusal('archive-malformed', 'a directory with content');
  if (isDirectory) return;
  const isArchive = isZip(head) || isGzip(head) || isTarHeader(head);
  if (isArchive) requireDepth(depth + 1);
  const scratch = isArchive ? openScratchFile() : undefined;
  try {
    const check = openMemberCheck(name, context.policy);
    for await (const chunk of chunks) {
      check.push(chunk);
      scratch?.write(chunk);
    }
    const refusal = check.end();
    if (refusal !== undefined) context.defer(refusal);
    if (scratch !== undefined) await inspectInner(scratch.bytes(), head, context, depth + 1);
  } finally {
    scratch?.close();
  }
}

async function inspectInner(bytes: FileBytes, head: Buffer, context: ArchiveContext, depth: number): Promise<void> {
  if (isZip(head)) await inspectZip(bytes, context, depth);
  else if (isGzip(head)) await inspectGzip(bytes, context, depth);
  else await inspectTar(toAsync(bytes.chunks()), context, depth);
}

function requireDepth(depth: number): void {
  if (depth > inspectionLimits.depth) {
    throw new Refusal('archive-limits', `archives nested more than ${inspectionLimits.depth} deep`);
  }
}

async function* toAsync(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}

/** The first bytes of a stream, and the whole stream again. */
async function peek(source: AsyncIterable<Buffer>): Promise<{ head: Buffer; chunks: AsyncIterable<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let bytes = 0;
  while (bytes < HEAD_BYTES) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    first.push(value);
    bytes += value.length;
  }
  const head = Buffer.concat(first).subarray(0, HEAD_BYTES);
  async function* whole(): AsyncGenerator<Buffer> {
    yield* first;
    while (true) {
      const { value, done } = await iterator.next();
      if (done === true) return;
      yield value;
    }
  }
  return { head, chunks: whole() };
}
