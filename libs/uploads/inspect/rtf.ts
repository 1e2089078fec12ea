import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';
import { windowsOf } from '#uploads/inspect/window-search.ts';

// Embedded and linked objects, remote templates, and fields that run or fetch something.
const ACTIVE = /\\(?:object|objdata|objocx|objemb|objlink|objautlink|objupdate|objclass|template)(?![a-z])/;
const FIELD = /\bDDE(?:AUTO)?\b|\bINCLUDEPICTURE\s+"?https?:|\bINCLUDETEXT\b/i;

/** RTF from its first brace to its last, without objects, templates or fields that reach out. */
export function inspectRtf(bytes: FileBytes): void {
  if (bytes.read(0, 6).toString('latin1') !== '{\\rtf1') throw mismatch('no RTF header');
  const tail = bytes.read(Math.max(0, bytes.size - 64), 64).toString('latin1');
  if (!/\}[\s\0]*$/.test(tail)) throw mismatch('the RTF ends early or goes on after its end');
  for (const window of windowsOf(bytes)) {
    if (ACTIVE.test(window)) throw new Refusal('active-content', 'an RTF with an embedded object or a template');
    if (FIELD.test(window)) throw new Refusal('active-content', 'an RTF with a field that reaches out');
  }
}
