import { Refusal } from '#uploads/inspect/refusal.ts';

/** Info-ZIP's second name for an entry, in UTF-8 (APPNOTE 6.3.10 §4.6.9), which many readers prefer to the first. */
const UNICODE_PATH = 0x7075;
const VERSION_AND_CRC_BYTES = 5;

/** @throws Refusal for a name that a careless unpacker would write somewhere else. */
export function requireInnerPath(name: string): void {
  const isInner = name !== '' && !/^[/\\]|^[a-z]:|\\|\0/i.test(name) && !name.split('/').includes('..');
  if (!isInner) throw new Refusal('archive-limits', 'a name that leads out of the archive');
}

/**
 * @param extra the extra fields of an entry.
 * @throws Refusal if they name another kind of thing than its own name does, or lead out of the archive.
 */
export function requireOneName(name: string, extra: Buffer): void {
  const other = unicodeNameIn(extra);
  if (other === undefined) return;
  requireInnerPath(other);
  if (kindOf(name) !== kindOf(other)) {
    throw new Refusal('archive-malformed', 'two names that contradict each other');
  }
}

function unicodeNameIn(extra: Buffer): string | undefined {
  for (let at = 0; at + 4 <= extra.length;) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === UNICODE_PATH) return extra.toString('utf8', at + 4 + VERSION_AND_CRC_BYTES, end);
    at = end;
  }
  return undefined;
}

/** The extension, or the slash of a directory. */
function kindOf(name: string): string {
  return /(?:\/|\.[^./]*)?$/.exec(name)?.[0].toLowerCase() ?? '';
}
