import { requireInnerPath, requireOneName } from '#uploads/inspect/entry-name.ts';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';

export interface ZipEntry {
  name: string;
  method: number;
  crc32: number;
  packedBytes: number;
  sizeBytes: number;
  /** Where the packed bytes begin. */
  dataAt: number;
  isDirectory: boolean;
}

interface CentralEntry extends Omit<ZipEntry, 'dataAt'> {
  rawName: Buffer;
  flags: number;
  localAt: number;
  mode: number;
}

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const MAX_DIRECTORY_BYTES = 4 * 1024 * 1024;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const END = Buffer.from('504b0506', 'hex');
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;

const FLAG_ENCRYPTED = 0x0001;
const FLAG_DESCRIPTOR = 0x0008;
const FLAG_STRONG_ENCRYPTION = 0x0040;
const FLAG_MASKED = 0x2000;
const METHODS = new Set([0, 8]);
const METHOD_AES = 99;

const S_IFMT = 0o170000;
const ORDINARY_MODES = new Set([0, 0o100000, 0o040000]);

/** Where a ZIP's end record stands if the file ends with one; also tells of a ZIP that is glued to something else. */
export function endOfZip(bytes: FileBytes): number | undefined {
  const length = Math.min(bytes.size, END_BYTES + MAX_COMMENT_BYTES);
  const tail = bytes.read(bytes.size - length, length);
  for (let from = tail.length - END_BYTES; from >= 0;) {
    const at = tail.lastIndexOf(END, from);
    if (at < 0) break;
    from = at - 1;
    if (at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length) return bytes.size - length + at;
  }
  return undefined;
}

/**
 * Every entry of a ZIP (APPNOTE 6.3.10 §4.3), in the order of their bytes. Both headers of an entry must agree, and the
 * entries must fill the file without gap or overlap, so that no reader sees another archive than we do.
 * @throws Refusal
 */
export function readZipDirectory(bytes: FileBytes): ZipEntry[] {
  const endAt = endOfZip(bytes);
  if (endAt === undefined) throw malformed('no end record at the end');
  const end = bytes.read(endAt, END_BYTES);
  const [onDisk, total] = [end.readUInt16LE(8), end.readUInt16LE(10)];
  const [directoryBytes, directoryAt] = [end.readUInt32LE(12), end.readUInt32LE(16)];
  // Counted before anything is walked.
  if (Math.max(onDisk, total) > inspectionLimits.entries) throw tooMany();
  if (end.readUInt16LE(4) !== 0 || end.readUInt16LE(6) !== 0 || onDisk !== total) throw malformed('more than one disk');
  if (directoryAt === 0xffffffff || directoryBytes === 0xffffffff) throw malformed('a ZIP64 archive');
  if (directoryBytes > MAX_DIRECTORY_BYTES) throw new Refusal('archive-limits', 'too long a directory');
  if (directoryAt + directoryBytes !== endAt) throw malformed('bytes that belong to nothing');
  const central = readCentral(bytes, directoryAt, endAt, total);
  return requireSeamless(bytes, central, directoryAt);
}

function readCentral(bytes: FileBytes, from: number, to: number, total: number): CentralEntry[] {
  const entries: CentralEntry[] = [];
  const names = new Set<string>();
  let at = from;
  while (at < to) {
    if (entries.length === total) throw malformed('more entries than counted');
    const head = bytes.read(at, CENTRAL_BYTES);
    if (head.length < CENTRAL_BYTES || head.readUInt32LE(0) !== CENTRAL) throw malformed('a broken directory');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => head.readUInt16LE(offset)) as [
      number,
      number,
      number,
    ];
    const entry = centralEntry(head, bytes.read(at + CENTRAL_BYTES, nameBytes));
    requireEntry(entry);
    requireOneName(entry.name, bytes.read(at + CENTRAL_BYTES + nameBytes, extraBytes));
    if (names.has(entry.name)) throw malformed('a name twice');
    names.add(entry.name);
    entries.push(entry);
    at += CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
  }
  if (at !== to || entries.length !== total) throw malformed('a broken directory');
  return entries;
}

function centralEntry(head: Buffer, rawName: Buffer): CentralEntry {
  const madeOnUnix = head.readUInt16LE(4) >> 8 === 3;
  const attributes = head.readUInt32LE(38);
  const name = rawName.toString('utf8');
  return {
    name,
    rawName: Buffer.from(rawName),
    flags: head.readUInt16LE(8),
    method: head.readUInt16LE(10),
    crc32: head.readUInt32LE(16),
    packedBytes: head.readUInt32LE(20),
    sizeBytes: head.readUInt32LE(24),
    localAt: head.readUInt32LE(42),
    // Some tools write Unix modes without saying that they run on Unix.
    mode: madeOnUnix || attributes >>> 16 !== 0 ? attributes >>> 16 : 0,
    isDirectory: name.endsWith('/'),
  };
}

function requireEntry(entry: CentralEntry): void {
  const { flags, method, name, mode } = entry;
  const isEncrypted = (flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED)) !== 0;
  if (isEncrypted || method === METHOD_AES) throw new Refusal('encrypted-archive', 'an encrypted entry');
  if ([entry.packedBytes, entry.sizeBytes, entry.localAt].includes(0xffffffff)) throw malformed('a ZIP64 entry');
  if (!METHODS.has(method)) throw malformed(`compression method ${method}`);
  if (!ORDINARY_MODES.has(mode & S_IFMT)) throw new Refusal('archive-limits', 'a link or a device');
  requireInnerPath(name);
  if (entry.sizeBytes > inspectionLimits.memberBytes) {
    throw new Refusal('archive-limits', `an entry of more than ${inspectionLimits.memberBytes} bytes`);
  }
}

function requireSeamless(bytes: FileBytes, central: CentralEntry[], directoryAt: number): ZipEntry[] {
  let at = 0;
  const sorted = central.toSorted((a, b) => a.localAt - b.localAt);
  if (sorted.length === 0 && directoryAt !== 0) throw malformed('bytes that belong to nothing');
  return sorted.map((entry, index) => {
    if (entry.localAt < at) throw new Refusal('archive-limits', 'entries that overlap');
    if (entry.localAt > at) throw malformed('bytes that belong to nothing');
    const dataAt = localDataAt(bytes, entry);
    const dataEnd = dataAt + entry.packedBytes;
    if (dataEnd > directoryAt) throw new Refusal('archive-limits', 'entries that overlap');
    const next = sorted[index + 1]?.localAt ?? directoryAt;
    at = dataEnd + descriptorBytes(bytes, entry, dataEnd, next);
    if (next === directoryAt && at !== directoryAt) throw malformed('bytes that belong to nothing');
    return { ...entry, dataAt };
  });
}

function localDataAt(bytes: FileBytes, entry: CentralEntry): number {
  const head = bytes.read(entry.localAt, LOCAL_BYTES);
  if (head.length < LOCAL_BYTES || head.readUInt32LE(0) !== LOCAL) throw malformed('an entry without its header');
  const nameBytes = head.readUInt16LE(26);
  const extraBytes = head.readUInt16LE(28);
  const dataAt = entry.localAt + LOCAL_BYTES + nameBytes + extraBytes;
  requireOneName(entry.name, bytes.read(dataAt - extraBytes, extraBytes));
  const isSame =
    bytes.read(entry.localAt + LOCAL_BYTES, nameBytes).equals(entry.rawName) &&
    head.readUInt16LE(6) === entry.flags &&
    head.readUInt16LE(8) === entry.method;
  if (!isSame) throw malformed('two headers that contradict each other');
  const [crc, packed, size] = [head.readUInt32LE(14), head.readUInt32LE(18), head.readUInt32LE(22)];
  const isLater = (entry.flags & FLAG_DESCRIPTOR) !== 0 && crc === 0 && packed === 0 && size === 0;
  if (isLater) return dataAt;
  if (packed !== entry.packedBytes || size !== entry.sizeBytes) {
    throw new Refusal('archive-limits', 'sizes that contradict each other');
  }
  if (crc !== entry.crc32) throw malformed('two headers that contradict each other');
  return dataAt;
}

/** APPNOTE §4.3.9: 12 bytes, or 16 with the signature that is optional. */
function descriptorBytes(bytes: FileBytes, entry: CentralEntry, at: number, next: number): number {
  if ((entry.flags & FLAG_DESCRIPTOR) === 0) return 0;
  const length = next - at;
  if (length !== 12 && length !== 16) {
    if (length < 0) throw new Refusal('archive-limits', 'entries that overlap');
    throw malformed('bytes that belong to nothing');
  }
  const descriptor = bytes.read(at, length);
  const fields = length === 16 ? descriptor.subarray(4) : descriptor;
  const isSame =
    (length === 12 || descriptor.readUInt32LE(0) === DESCRIPTOR) &&
    fields.readUInt32LE(0) === entry.crc32 &&
    fields.readUInt32LE(4) === entry.packedBytes &&
    fields.readUInt32LE(8) === entry.sizeBytes;
  if (!isSame) throw malformed('a descriptor that contradicts its entry');
  return length;
}

function tooMany(): Refusal {
  return new Refusal('archive-limits', `more than ${inspectionLimits.entries} entries`);
}

function malformed(detail: string): Refusal {
  return new Refusal('archive-malformed', detail);
}
