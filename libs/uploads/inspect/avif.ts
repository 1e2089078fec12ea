import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { requirePixels } from '#uploads/inspect/pixels.ts';
import { mismatch } from '#uploads/inspect/refusal.ts';

const META_BYTES = 1024 * 1024;

/** ISO/IEC 23008-12 §6.5.3: every `ispe` property of the metadata gives one image's size. */
export function inspectAvif(bytes: FileBytes): void {
  const head = bytes.read(0, META_BYTES);
  let at = head.indexOf('ispe', 0, 'latin1');
  if (at < 0) throw mismatch('an AVIF without a size');
  while (at >= 0) {
    if (at + 16 <= head.length) requirePixels(head.readUInt32BE(at + 8), head.readUInt32BE(at + 12));
    at = head.indexOf('ispe', at + 4, 'latin1');
  }
}
