import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipMember {
  name: string;
  data: Buffer | string;
  /** Stored as it is instead of deflated. */
  isStored?: boolean;
  /** Unix mode, such as 0o120777 for a link. */
  mode?: number;
  flags?: number;
  method?: number;
  /** Fields of both headers that lie. */
  crc?: number;
  sizeBytes?: number;
  packedBytes?: number;
  /** Fields of the local header only. */
  localName?: string;
  localSizeBytes?: number;
  localExtra?: Buffer;
  /** Extra fields of the central header only. */
  extra?: Buffer;
  /** Packed bytes instead of those made from `data`. */
  packed?: Buffer;
}

export interface ZipOptions {
  before?: Buffer;
  comment?: string;
  /** What the end record says, if it lies. */
  count?: number;
  hasDirectory?: boolean;
  /** Every central entry points to the first local header. */
  isOverlapping?: boolean;
  /** ZIP64 sentinels instead of the directory's place. */
  hasSentinels?: boolean;
}

/** A ZIP, honest unless it is told otherwise. */
export function zip(members: readonly ZipMember[], options: ZipOptions = {}): Buffer {
  const { before = Buffer.alloc(0), comment = '', hasDirectory = true, isOverlapping = false } = options;
  const locals: Buffer[] = [before];
  const central: Buffer[] = [];
  let at = before.length;
  for (const [index, member] of members.entries()) {
    const data = Buffer.from(member.data as string);
    const isStored = member.isStored === true || member.method === 0;
    const packed = member.packed ?? (isStored ? data : deflateRawSync(data));
    const shared = Buffer.alloc(22);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(member.flags ?? 0x0800, 2);
    shared.writeUInt16LE(member.method ?? (isStored ? 0 : 8), 4);
    shared.writeUInt32LE(0x00210000, 6);
    shared.writeUInt32LE(member.crc ?? crc32(data), 10);
    shared.writeUInt32LE(member.packedBytes ?? packed.length, 14);
    shared.writeUInt32LE(member.sizeBytes ?? data.length, 18);
    const name = Buffer.from(member.name);
    const localAt = isOverlapping && index > 0 ? before.length : at;
    central.push(centralHeader(shared, name, { mode: member.mode, localAt, extra: member.extra }));
    if (isOverlapping && index > 0) continue;
    const localName = Buffer.from(member.localName ?? member.name);
    const local = Buffer.from(shared);
    if (member.localSizeBytes !== undefined) local.writeUInt32LE(member.localSizeBytes, 18);
    const extra = member.localExtra ?? Buffer.alloc(0);
    const sizes = lengths(localName.length, extra.length);
    const head = Buffer.concat([Buffer.from('504b0304', 'hex'), local, sizes, localName, extra]);
    locals.push(head, packed);
    at += head.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(0xffff, options.count ?? members.length), 8);
  end.writeUInt16LE(Math.min(0xffff, options.count ?? members.length), 10);
  end.writeUInt32LE(options.hasSentinels === true ? 0xffffffff : directory.length, 12);
  end.writeUInt32LE(options.hasSentinels === true ? 0xffffffff : at, 16);
  end.writeUInt16LE(comment.length, 20);
  return hasDirectory ? Buffer.concat([...locals, directory, end, Buffer.from(comment)]) : Buffer.concat(locals);
}

function centralHeader(
  shared: Buffer,
  name: Buffer,
  {
    mode = 0,
    localAt,
    extra = Buffer.alloc(0),
  }: { mode: number | undefined; localAt: number; extra: Buffer | undefined },
): Buffer {
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE((mode << 16) >>> 0, 6);
  tail.writeUInt32LE(localAt, 10);
  const madeBy = Buffer.from([20, mode === 0 ? 0 : 3]);
  const sizes = lengths(name.length, extra.length);
  return Buffer.concat([Buffer.from('504b0102', 'hex'), madeBy, shared, sizes, tail, name, extra]);
}

function lengths(name: number, extra: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt16LE(name, 0);
  field.writeUInt16LE(extra, 2);
  return field;
}

/** `data` in `levels` archives, each in the next. */
export function nestedZip(data: Buffer | string, levels: number, name = 'inner.txt'): Buffer {
  let file = zip([{ name, data }]);
  for (let level = 1; level < levels; level += 1) file = zip([{ name: 'inner.zip', data: file }]);
  return file;
}
