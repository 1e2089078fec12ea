import { constants, inflateSync } from 'node:zlib';
import { bytesOf, type FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';
import { OVERLAP_CHARS, windowsOf } from '#uploads/inspect/window-search.ts';

const TAIL_BYTES = 1_024;
const MAX_OBJECT_STREAM_BYTES = 8 * 1024 * 1024;
/** What one object stream may unpack to. */
const MAX_OBJECTS_BYTES = 16 * 1024 * 1024;

// ISO 32000-1 §7.3.5: a name ends at a delimiter or white space.
const ACTIVE_WORDS = ['JavaScript', 'Launch', 'EmbeddedFile', 'RichMedia', 'XFA'];
const ACTIVE = /\/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|XFA)(?=[\s/<>[\](){}%\0]|$)/;
const ENCRYPTED = /\/Encrypt(?=[\s/<[]|$)/;
// Any character of a name may be written as #xx (§7.3.5). `endstream` has no word boundary there.
const OBJECT_STREAM = '/(?:O|#4[fF])(?:b|#62)(?:j|#6[aA])(?:S|#53)(?:t|#74)(?:m|#6[dD])(?=[\\s/<>[\\]()%\\0])';
const MARK = new RegExp(`${OBJECT_STREAM}|\\bstream(?:\\r\\n|\\n|\\r)`, 'g');
const PROBE_BYTES = 512;
/** An object stream begins with object numbers and offsets (ISO 32000-1 §7.5.7). */
const OBJECT_NUMBERS = /^\s*\d/;

/** A PDF from `%PDF-` to `%%EOF` that runs nothing, carries no files and isn't encrypted. */
export function inspectPdf(bytes: FileBytes): void {
  if (!/^%PDF-\d\.\d/.test(bytes.read(0, 8).toString('latin1'))) throw mismatch('no PDF header at the start');
  const tail = bytes.read(Math.max(0, bytes.size - TAIL_BYTES), TAIL_BYTES).toString('latin1');
  if (!/%%EOF[\s\0]*$/.test(tail)) throw mismatch('the PDF ends early or goes on after its end');
  const objects = openObjects(bytes);
  let at = 0;
  let seenTo = 0;
  // A dictionary may be as long as it likes: what it says holds until its stream begins.
  let isObjectStream = false;
  for (const window of windowsOf(bytes)) {
    const plain = unescapeNames(window);
    requireHarmless(plain);
    const hasMark = window.includes('stream') || plain.includes('ObjStm');
    for (const { 0: mark, index } of hasMark ? window.matchAll(MARK) : []) {
      const end = at + index + mark.length;
      const isCut = index + mark.length === window.length && end < bytes.size;
      if (isCut || end <= seenTo) continue;
      seenTo = end;
      if (mark.startsWith('/')) isObjectStream = true;
      else {
        objects.look(end, isObjectStream);
        isObjectStream = false;
      }
    }
    at += window.length - Math.min(window.length, OVERLAP_CHARS);
  }
}

/** Objects may be packed in streams: those are unpacked, each once, and held against the same rules. */
function openObjects(bytes: FileBytes): { look(start: number, isObjectStream: boolean): void } {
  let budget: number = inspectionLimits.unpackedBytes;
  return {
    look(start, isObjectStream) {
      const beginning = unpack(bytes.read(start, PROBE_BYTES));
      if (beginning === undefined || !OBJECT_NUMBERS.test(beginning.toString('latin1', 0, PROBE_BYTES))) {
        if (isObjectStream) throw new Refusal('active-content', 'a PDF whose objects are packed in an unusual way');
        return;
      }
      const objects = bytesOf(unpack(bytes.read(start, MAX_OBJECT_STREAM_BYTES)) ?? Buffer.alloc(0));
      budget -= objects.size;
      if (budget < 0) throw new Refusal('archive-limits', `more than ${inspectionLimits.unpackedBytes} bytes unpacked`);
      // Never as one text: V8 ends the whole process if it runs out of memory inside one long operation.
      for (const window of windowsOf(objects)) requireHarmless(unescapeNames(window));
    },
  };
}

/** Looks for the words first: a pattern goes through the text character by character, and most of it is a picture's. */
function requireHarmless(plain: string): void {
  if (plain.includes('Encrypt') && ENCRYPTED.test(plain)) throw new Refusal('encrypted-archive', 'an encrypted PDF');
  const found = ACTIVE_WORDS.some((word) => plain.includes(word)) ? ACTIVE.exec(plain)?.[0] : undefined;
  if (found !== undefined) throw new Refusal('active-content', `a PDF with ${found}`);
}

/** ISO 32000-1 §7.3.5: any character of a name may be written as #xx. */
function unescapeNames(text: string): string {
  if (!text.includes('#')) return text;
  return text.replace(/#([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Undefined if it isn't packed by deflate. */
function unpack(packed: Buffer): Buffer | undefined {
  if (packed.length < 2 || ((packed[0] ?? 0) & 0x0f) !== 8 || packed.readUInt16BE(0) % 31 !== 0) return undefined;
  try {
    return inflateSync(packed, { maxOutputLength: MAX_OBJECTS_BYTES, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    if (!(error instanceof RangeError)) return undefined;
    throw new Refusal('archive-limits', `a packed part of more than ${MAX_OBJECTS_BYTES} bytes`);
  }
}
