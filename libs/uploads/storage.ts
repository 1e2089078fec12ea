import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';

export const storageSettings = {
  DATA_DIR: z.string().default('.data'),
};

/** Nothing in `quarantine` is ever served; nothing reaches `clean` but by `move` after a verdict. */
export type Zone = 'quarantine' | 'clean';

/** Bytes on their way into quarantine. Exactly one of `commit` and `abort` ends it. */
export interface IncomingFile {
  /** 256 random bits in hex; nothing of what a client sent. */
  readonly name: string;
  write(chunk: Buffer): Promise<void>;
  /** Resolves when the bytes and their name survive a power cut. */
  commit(): Promise<void>;
  /** Removes what was written. Never throws. */
  abort(): Promise<void>;
}

export interface StoredFile {
  name: string;
  sizeBytes: number;
  modifiedAt: Date;
}

/** Where uploaded bytes lie. A full disk is the failure `storage-full`. */
export interface Storage {
  create(): Promise<IncomingFile>;
  /** The bytes of one file for reading at any place; undefined if there is no such file. The caller closes it. */
  open(zone: Zone, name: string): Promise<FileHandle | undefined>;
  /** Moves a file between the zones, durably and in one step. False if it isn't where it should come from. */
  move(name: string, from: Zone, to: Zone): Promise<boolean>;
  /** Does nothing if there is no such file. */
  remove(zone: Zone, name: string): Promise<void>;
  list(zone: Zone): AsyncIterable<StoredFile>;
}
