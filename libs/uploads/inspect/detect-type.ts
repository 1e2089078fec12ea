import { fileTypeFromBuffer } from 'file-type';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';

/** file-type works for long on hostile input: it never gets more than this. */
const HEAD_BYTES = 256 * 1024;

/** What file-type takes the first bytes for: its name of an extension, or undefined for text and the unknown. */
export async function detectType(bytes: FileBytes): Promise<string | undefined> {
  const head = bytes.read(0, HEAD_BYTES);
  const detected = await fileTypeFromBuffer(new Uint8Array(head)).catch(() => undefined);
  return detected?.ext;
}
