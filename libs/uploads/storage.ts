/** Nothing in `quarantine` is ever served; nothing reaches `clean` but by `move` after a verdict. */
export type Zone = 'quarantine' | 'clean';

export const zones = ['quarantine', 'clean'] as const satisfies Zone[];

/** Bytes on their way into quarantine. Exactly one of `commit` and `abort` ends it, or first the one and then the other. */
export interface IncomingFile {
  /** 256 random bits in hex; nothing of what a client sent. */
  readonly name: string;
  /**
   * Undefined if the next chunk may come at once. The chunk is given away: its memory is freed when it is written, if it has
   * that for itself.
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /**
   * Resolves when the bytes and their name survive a power cut.
   * @param sha256 of all that was written; a storage elsewhere is held against it.
   */
  commit(sha256: Buffer): Promise<void>;
  /** Removes what was written. Never throws. */
  abort(): Promise<void>;
}

export interface ByteRange {
  start: number;
  /** Inclusive. */
  end: number;
}

/** The bytes of one stored file, open for reading. */
export interface StoredBytes {
  readonly sizeBytes: number;
  /** A range, or the whole; each chunk is in a buffer of its own. Rejects if not even the first byte can be had. */
  read(range?: ByteRange): Promise<AsyncIterable<Buffer>>;
  /**
   * The whole for who is done with each chunk before asking for the next: a chunk may be overwritten then. Much garbage
   * outside of the heap makes V8 collect all of it over and over.
   */
  readFleeting(): Promise<AsyncIterable<Buffer>>;
  /**
   * A descriptor for reading at any place, also from other threads: of the file itself where it lies on this machine, and
   * of a private copy elsewhere, which `read` then reads too. It is good until `close`.
   * @returns undefined if a copy had to be made and what came has another size or digest.
   */
  descriptor(sha256: Buffer): Promise<number | undefined>;
  /** The SHA-256 of the whole, read for it. */
  digest(): Promise<Buffer>;
  close(): Promise<void>;
}

export interface StoredFile {
  name: string;
  sizeBytes: number;
  modifiedAt: Date;
}

/** A file on this disk that is to be stored again. */
export interface BackedUpFile {
  name: string;
  path: string;
  sizeBytes: number;
  sha256: Buffer;
}

/** Where uploaded bytes lie. A full disk is the failure `storage-full`. */
export interface Storage {
  create(): Promise<IncomingFile>;
  /** Undefined if there is no such file. The caller closes what is opened. */
  open(zone: Zone, name: string): Promise<StoredBytes | undefined>;
  /**
   * Moves a file between the zones, durably. False if it isn't where it should come from. A process that dies meanwhile
   * leaves it in one of them, or in both; never in none.
   */
  move(name: string, from: Zone, to: Zone): Promise<boolean>;
  /** Does nothing if there is no such file. */
  remove(zone: Zone, name: string): Promise<void>;
  list(zone: Zone): AsyncIterable<StoredFile>;
  /** Brings back a file of a backup, durably, under the name and into the zone that it had. */
  restore(zone: Zone, file: BackedUpFile): Promise<void>;
}
