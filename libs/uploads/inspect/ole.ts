import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';
import { windowsOf } from '#uploads/inspect/window-search.ts';

const SIGNATURE = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const HEADER_BYTES = 512;
const ENTRY_BYTES = 128;
const MAX_DIRECTORY_ENTRIES = 20_000;
const FREE = 0xfffffffa; // and all above: no sector

interface OleEntry {
  name: string;
  firstSector: number;
}

/** What the main stream of each kind of document is called. */
const mainStreams: Record<string, readonly string[]> = {
  doc: ['WordDocument'],
  xls: ['Workbook', 'Book'],
  ppt: ['PowerPoint Document'],
};

const MACRO = /^(?:VBA|Macros|_VBA_PROJECT(?:_CUR)?|PROJECTwm)$/i;
// eslint-disable-next-line no-control-regex
const EMBEDDED = /^(?:\u0001Ole10Native|\u0001Ole|ObjectPool|Package|CONTENTS|MBD[0-9A-F]{8})$/i;
// eslint-disable-next-line no-control-regex
const DDE = /DDEAUTO|D\0D\0E\0A\0U\0T\0O\0|\u0013\s*DDE\s|\u0013\0(?: \0)*D\0D\0E\0 \0/i;

export function isOle(head: Buffer): boolean {
  return head.subarray(0, 8).equals(SIGNATURE);
}

/** [MS-CFB]: a document of exactly this kind, without macros, embedded objects or DDE fields, and not encrypted. */
export function inspectOle(bytes: FileBytes, extension: string): void {
  const file = openOle(bytes);
  const names = file.entries.map(({ name }) => name);
  requireNotEncrypted(names);
  const main = file.entries.find(({ name }) => mainStreams[extension]?.includes(name));
  if (main === undefined) throw mismatch(`no ${extension} document inside`);
  if (names.some((name) => MACRO.test(name))) throw new Refusal('macro', 'a document with a VBA project');
  if (names.some((name) => EMBEDDED.test(name)))
    throw new Refusal('active-content', 'a document with an embedded object');
  if (extension === 'doc') requireReadableWord(file.sector(main.firstSector));
  if (extension === 'xls') requireReadableWorkbook(file.sector(main.firstSector));
  for (const window of windowsOf(bytes)) {
    if (DDE.test(window)) throw new Refusal('active-content', 'a document with a DDE field');
  }
}

/** Whether a file that should be OOXML is an encrypted one: those are wrapped in OLE ([MS-OFFCRYPTO] §2.3). */
export function requireNotEncryptedPackage(bytes: FileBytes): void {
  requireNotEncrypted(openOle(bytes).entries.map(({ name }) => name));
}

function requireNotEncrypted(names: readonly string[]): void {
  if (names.includes('EncryptedPackage') || names.includes('EncryptionInfo')) {
    throw new Refusal('encrypted-archive', 'an encrypted document');
  }
}

/** [MS-DOC] §2.5.2: bit 8 of the flags at offset 10. */
function requireReadableWord(fib: Buffer): void {
  if (fib.length >= 12 && (fib.readUInt16LE(10) & 0x0100) !== 0) {
    throw new Refusal('encrypted-archive', 'an encrypted document');
  }
}

/** [MS-XLS] §2.4.117: a FilePass record among the first ones. */
function requireReadableWorkbook(stream: Buffer): void {
  let at = 0;
  while (at + 4 <= stream.length) {
    if (stream.readUInt16LE(at) === 0x002f) throw new Refusal('encrypted-archive', 'an encrypted workbook');
    at += 4 + stream.readUInt16LE(at + 2);
  }
}

function openOle(bytes: FileBytes): { entries: OleEntry[]; sector: (id: number) => Buffer } {
  const header = bytes.read(0, HEADER_BYTES);
  if (header.length < HEADER_BYTES || !isOle(header)) throw mismatch('no OLE header');
  const shift = header.readUInt16LE(30);
  if (shift !== 9 && shift !== 12) throw mismatch('a malformed OLE header');
  const size = 2 ** shift;
  const sector = (id: number): Buffer => {
    const found = bytes.read((id + 1) * size, size);
    if (id >= FREE || found.length === 0) throw mismatch('an OLE sector outside of the file');
    return found;
  };
  const next = openChain(header, sector, size);
  const entries: OleEntry[] = [];
  for (let id = header.readUInt32LE(48), steps = 0; id < FREE; id = next(id), steps += 1) {
    entries.push(...entriesIn(sector(id)));
    if (entries.length > MAX_DIRECTORY_ENTRIES || steps > MAX_DIRECTORY_ENTRIES) {
      throw new Refusal('archive-limits', `more than ${MAX_DIRECTORY_ENTRIES} OLE entries`);
    }
  }
  return { entries, sector };
}

/** [MS-CFB] §2.3 and §2.5: the allocation table's own sectors are listed in the header and in a chain behind it. */
function openChain(header: Buffer, sector: (id: number) => Buffer, size: number): (id: number) => number {
  const tables: number[] = [];
  for (let at = 76; at < HEADER_BYTES; at += 4) tables.push(header.readUInt32LE(at));
  let more = header.readUInt32LE(68);
  for (let count = header.readUInt32LE(72); count > 0 && more < FREE && tables.length < 100_000; count -= 1) {
    const list = sector(more);
    for (let at = 0; at + 8 <= list.length; at += 4) tables.push(list.readUInt32LE(at));
    more = list.length >= size ? list.readUInt32LE(size - 4) : FREE;
  }
  return (id) => {
    const table = tables[Math.floor((id * 4) / size)];
    if (table === undefined || table >= FREE) throw mismatch('a broken OLE chain');
    const entry = (id * 4) % size;
    const found = sector(table);
    if (entry + 4 > found.length) throw mismatch('a broken OLE chain');
    return found.readUInt32LE(entry);
  };
}

function entriesIn(sector: Buffer): OleEntry[] {
  const entries: OleEntry[] = [];
  for (let at = 0; at + ENTRY_BYTES <= sector.length; at += ENTRY_BYTES) {
    const nameBytes = sector.readUInt16LE(at + 64);
    if (sector[at + 66] === 0 || nameBytes < 2 || nameBytes > 64) continue;
    entries.push({
      name: sector.toString('utf16le', at, at + nameBytes - 2),
      firstSector: sector.readUInt32LE(at + 116),
    });
  }
  return entries;
}
