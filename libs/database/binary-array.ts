/** One PostgreSQL type in its binary format. */
export interface ElementType<T> {
  /** Its row in pg_type.dat, which is the same in every installation. */
  oid: number;
  bytesOf(value: T): number;
  /** @returns how many bytes it wrote: as many as `bytesOf` says. */
  write(value: T, into: Buffer, at: number): number;
}

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;
/** PostgreSQL counts microseconds from 2000-01-01. */
const EPOCH_MS = Date.UTC(2000, 0, 1);

export const uuid: ElementType<string> = {
  oid: 2950,
  bytesOf: () => 16,
  write: (value, into, at) => into.write(value.replaceAll('-', ''), at, 'hex'),
};

export const text: ElementType<string> = {
  oid: 25,
  bytesOf: (value) => Buffer.byteLength(value),
  write: (value, into, at) => into.write(value, at),
};

export const jsonb: ElementType<string> = {
  oid: 3802,
  bytesOf: (value) => 1 + Buffer.byteLength(value),
  write(value, into, at) {
    into.writeUInt8(1, at);
    return 1 + into.write(value, at + 1);
  },
};

export const bytea: ElementType<Buffer> = {
  oid: 17,
  bytesOf: (value) => value.length,
  write: (value, into, at) => value.copy(into, at),
};

export const int4: ElementType<number> = {
  oid: 23,
  bytesOf: () => 4,
  write(value, into, at) {
    into.writeInt32BE(value, at);
    return 4;
  },
};

/** From milliseconds since 1970. */
export const timestamptz: ElementType<number> = {
  oid: 1184,
  bytesOf: () => 8,
  write(value, into, at) {
    const microseconds = Math.round((value - EPOCH_MS) * 1_000);
    into.writeInt32BE(Math.floor(microseconds / 2 ** 32), at);
    into.writeUInt32BE(microseconds >>> 0, at + 4);
    return 8;
  },
};

/**
 * A parameter for `unnest` in PostgreSQL's binary format (array_send in its arrayfuncs.c), undefined being null. pg turns
 * arrays into text, which has to be escaped and parsed, and twice as many bytes for bytea.
 */
export function binaryArray<T>(type: ElementType<T>, values: readonly (T | undefined)[]): Buffer {
  let bytes = HEADER_BYTES;
  for (const value of values) bytes += LENGTH_BYTES + (value === undefined ? 0 : type.bytesOf(value));
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(values.includes(undefined) ? 1 : 0, 4);
  array.writeInt32BE(type.oid, 8);
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const value of values) {
    const length = value === undefined ? 0 : type.write(value, array, at + LENGTH_BYTES);
    array.writeInt32BE(value === undefined ? NULL_LENGTH : length, at);
    at += LENGTH_BYTES + length;
  }
  return array;
}
