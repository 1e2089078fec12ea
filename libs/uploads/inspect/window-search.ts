import type { FileBytes } from '#uploads/inspect/file-bytes.ts';

export const OVERLAP_CHARS = 1_024;

/** The file as overlapping windows of latin1 text, so that a pattern of up to 1,024 bytes is never cut. */
export function* windowsOf(bytes: FileBytes): Generator<string> {
  let before = '';
  for (const chunk of bytes.chunks()) {
    const window = before + chunk.toString('latin1');
    yield window;
    before = window.slice(-OVERLAP_CHARS);
  }
}
