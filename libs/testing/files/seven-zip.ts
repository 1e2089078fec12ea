import { crc32 } from 'node:zlib';

const SIGNATURE = Buffer.from('377abcaf271c0004', 'hex');
/** An encoded header whose one coder is AES-256 with SHA-256 (7zFormat.txt: kEncodedHeader, 06F10701). */
const ENCRYPTED_HEADER = Buffer.from('17060001091000070b0100012406f107010213000c100000', 'hex');

/** A 7z whose list of files is encrypted; there is nothing in it. */
export function encryptedSevenZip(): Buffer {
  const packed = Buffer.alloc(16, 0x5a);
  const start = Buffer.alloc(20);
  start.writeBigUInt64LE(BigInt(packed.length), 0);
  start.writeBigUInt64LE(BigInt(ENCRYPTED_HEADER.length), 8);
  start.writeUInt32LE(crc32(ENCRYPTED_HEADER), 16);
  const startCrc = Buffer.alloc(4);
  startCrc.writeUInt32LE(crc32(start));
  return Buffer.concat([SIGNATURE, startCrc, start, packed, ENCRYPTED_HEADER]);
}
