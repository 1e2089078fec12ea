import { deflateSync } from 'node:zlib';
import { zip, type ZipMember } from '#testing/files/zip.ts';

/** A PDF of one empty page; `objects` stand before its end, `header` at its beginning. */
export function pdf({
  objects = '',
  trailer = '',
  before = Buffer.alloc(0),
  after = Buffer.alloc(0),
}: { objects?: string; trailer?: string; before?: Buffer; after?: Buffer } = {}): Buffer {
  const text = [
    '%PDF-1.7',
    '1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj',
    '2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj',
    '3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] >>\nendobj',
    objects,
    `trailer\n<< /Size 4 /Root 1 0 R ${trailer} >>`,
    'startxref\n0',
    '%%EOF\n',
  ].join('\n');
  return Buffer.concat([before, Buffer.from(text, 'latin1'), after]);
}

/** A stream object that holds other objects, packed. */
export function pdfObjectStream(objects: string): string {
  const content = `10 0 ${objects}`;
  const packed = deflateSync(Buffer.from(content)).toString('latin1');
  return `9 0 obj\n<< /Type /ObjStm /N 1 /First 5 /Filter /FlateDecode /Length ${packed.length} >>\nstream\n${packed}\nendstream\nendobj`;
}

export function rtf(inside = 'hello'): Buffer {
  return Buffer.from(`{\\rtf1\\ansi ${inside}}`);
}

const MAIN = {
  docx: ['word/document.xml', 'wordprocessingml.document.main'],
  xlsx: ['xl/workbook.xml', 'spreadsheetml.sheet.main'],
  pptx: ['ppt/presentation.xml', 'presentationml.presentation.main'],
} as const;

export interface OoxmlOptions {
  /** Instead of the type of the main part. */
  contentType?: string;
  /** Instead of the main part. */
  main?: string;
  more?: readonly ZipMember[];
}

/** A document with nothing in it. */
export function ooxml(kind: keyof typeof MAIN, { contentType, main, more = [] }: OoxmlOptions = {}): Buffer {
  const [path, type] = MAIN[kind];
  const declared = contentType ?? `application/vnd.openxmlformats-officedocument.${type}+xml`;
  return zip([
    {
      name: '[Content_Types].xml',
      data: `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/${path}" ContentType="${declared}"/></Types>`,
    },
    {
      name: '_rels/.rels',
      data: `<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="${path}"/></Relationships>`,
    },
    { name: path, data: main ?? '<?xml version="1.0" encoding="UTF-8"?><root/>' },
    ...more,
  ]);
}

const SECTOR_BYTES = 512;
const FREE_SECTOR = 0xffffffff;
const END_OF_CHAIN = 0xfffffffe;
const FAT_SECTOR = 0xfffffffd;

export interface OleStream {
  name: string;
  /** A storage holds streams, a stream bytes. */
  data?: Buffer;
}

/** An OLE file ([MS-CFB]) with these entries in its root. */
export function ole(streams: readonly OleStream[]): Buffer {
  const fat: number[] = [];
  const body: Buffer[] = [];
  const add = (data: Buffer): number => {
    const start = fat.length;
    const count = Math.ceil(data.length / SECTOR_BYTES);
    const padded = Buffer.alloc(count * SECTOR_BYTES);
    data.copy(padded);
    body.push(padded);
    for (let index = 1; index <= count; index += 1) fat.push(index === count ? END_OF_CHAIN : start + index);
    return start;
  };
  const entries = [
    oleEntry('Root Entry', 5, END_OF_CHAIN, 0),
    ...streams.map(({ name, data }) =>
      data === undefined
        ? oleEntry(name, 1, 0, 0)
        : oleEntry(name, 2, add(Buffer.concat([data, Buffer.alloc(Math.max(0, 4096 - data.length))])), 4096),
    ),
  ];
  const directoryAt = add(Buffer.concat(entries));
  const fatAt = fat.length;
  fat.push(FAT_SECTOR);
  const table = Buffer.alloc(SECTOR_BYTES, 0xff);
  fat.forEach((next, index) => table.writeUInt32LE(next, index * 4));
  const header = Buffer.alloc(SECTOR_BYTES, 0xff);
  header.fill(0, 0, 76);
  Buffer.from('d0cf11e0a1b11ae1', 'hex').copy(header, 0);
  header.writeUInt16LE(0x3e, 24);
  header.writeUInt16LE(3, 26);
  header.writeUInt16LE(0xfffe, 28);
  header.writeUInt16LE(9, 30);
  header.writeUInt16LE(6, 32);
  header.writeUInt32LE(1, 44);
  header.writeUInt32LE(directoryAt, 48);
  header.writeUInt32LE(4096, 56);
  header.writeUInt32LE(END_OF_CHAIN, 60);
  header.writeUInt32LE(END_OF_CHAIN, 68);
  header.writeUInt32LE(fatAt, 76);
  return Buffer.concat([header, ...body, table]);
}

function oleEntry(name: string, type: number, start: number, size: number): Buffer {
  const entry = Buffer.alloc(128);
  const text = Buffer.from(`${name}\0`, 'utf16le');
  text.copy(entry, 0);
  entry.writeUInt16LE(text.length, 64);
  entry[66] = type;
  entry[67] = 1;
  entry.writeUInt32LE(FREE_SECTOR, 68);
  entry.writeUInt32LE(FREE_SECTOR, 72);
  entry.writeUInt32LE(FREE_SECTOR, 76);
  entry.writeUInt32LE(start, 116);
  entry.writeUInt32LE(size, 120);
  return entry;
}

export const oleDocuments = {
  doc: () => ole([{ name: 'WordDocument', data: Buffer.from('eca5c1000000000000000000', 'hex') }]),
  xls: () => ole([{ name: 'Workbook', data: Buffer.from('0908100000060500', 'hex') }]),
  ppt: () => ole([{ name: 'PowerPoint Document', data: Buffer.from('00000000', 'hex') }]),
} as const;
