import { crc32 } from 'node:zlib';

const UTF8_NAMES = 0x0800;

export interface ZipPart {
  name: string;
  data: Buffer;
  /** Already packed by raw deflate; `data` is what it unpacks to. */
  packed?: Buffer;
}

/** A plain ZIP of some parts, in pieces that together are the file. */
export function buildZip(parts: readonly ZipPart[]): Buffer[] {
  const pieces: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, data, packed } of parts) {
    const fields = fieldsOf(name, data, packed);
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), fields, Buffer.from(name)]);
    const content = packed ?? data;
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 4);
    fields.copy(central, 6);
    central.writeUInt32LE(at, 42);
    directory.push(central, Buffer.from(name));
    pieces.push(local, content);
    at += local.length + content.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  return [...pieces, ...directory, end];
}

/** What both headers of an entry share: version to lengths (APPNOTE §4.3.7). */
function fieldsOf(name: string, data: Buffer, packed: Buffer | undefined): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(UTF8_NAMES, 2);
  fields.writeUInt16LE(packed === undefined ? 0 : 8, 4);
  fields.writeUInt32LE(0x00210000, 6);
  fields.writeUInt32LE(crc32(data), 10);
  fields.writeUInt32LE((packed ?? data).length, 14);
  fields.writeUInt32LE(data.length, 18);
  fields.writeUInt16LE(Buffer.byteLength(name), 22);
  return fields;
}
