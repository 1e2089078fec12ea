import { extensionOf, safeName } from '#uploads/file-name.ts';
import type { Kind } from '#uploads/file-kind.ts';
import type { FilePolicy } from '#uploads/file-policy.ts';
import { isOle } from '#uploads/inspect/ole.ts';
import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';
import { openTextCheck } from '#uploads/inspect/text.ts';

// What a double click would run, or mount, or obey.
const RUNNABLE = new Set(
  `apk app appimage application appref-ms bat chm cmd com cpl dll dmg exe gadget hta img inf ins iso jar js jse library-ms
  lnk mde msc msi msp mst one pif ps1 ps1xml ps2 psc1 psd1 psm1 py pyc rdp reg scf scr search-ms sct settingcontent-ms sh
  svg theme url vb vbe vbs vhd vhdx wsc wsf wsh xbap xll xhtml htm html shtml mht mhtml docm dotm xlsm xltm xlam pptm potm
  ppsm ppam sldm`.split(/\s+/),
);

/** How each kind begins. Kinds that are not here are text. */
const beginnings: Partial<Record<Kind, (head: Buffer) => boolean>> = {
  png: (head) => head.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')),
  jpeg: (head) => head.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex')),
  gif: (head) => /^GIF8[79]a/.test(head.toString('latin1', 0, 6)),
  webp: (head) => head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP',
  avif: (head) => head.toString('latin1', 4, 8) === 'ftyp',
  pdf: (head) => head.toString('latin1', 0, 5) === '%PDF-',
  rtf: (head) => head.toString('latin1', 0, 6) === '{\\rtf1',
  ole: isOle,
  ooxml: isZip,
  zip: isZip,
  gzip: isGzip,
};

export function isZip(head: Buffer): boolean {
  return ['504b0304', '504b0506'].includes(head.toString('hex', 0, 4));
}

export function isGzip(head: Buffer): boolean {
  return head.toString('hex', 0, 3) === '1f8b08';
}

/**
 * Holds a file inside an archive against its own name: an extension that we know must fit the content, what isn't known
 * must be text, and nothing may be runnable. It throws only at the end, so that the scanner can still be asked first.
 */
export interface MemberCheck {
  push(chunk: Buffer): void;
  end(): Refusal | undefined;
}

export function openMemberCheck(name: string, policy: FilePolicy): MemberCheck {
  const safe = safeName(name);
  const extension = extensionOf(safe);
  // Extensions with a dash are none of ours, but some of Windows'.
  const lastPart = safe.toLowerCase().slice(safe.lastIndexOf('.') + 1);
  if (RUNNABLE.has(extension ?? lastPart)) return refusing(new Refusal('active-content', 'something runnable inside'));
  const kind = extension === undefined ? undefined : policy.get(extension)?.kind;
  if (kind === 'any' || kind === 'opaque' || kind === 'tar') return refusing(undefined);
  const begins = kind === undefined ? undefined : beginnings[kind];
  if (begins === undefined) return textOnly(kind === undefined);
  let head = Buffer.alloc(0);
  return {
    push(chunk) {
      if (head.length < 64) head = Buffer.concat([head, chunk.subarray(0, 64)]);
    },
    end: () => (begins(head) ? undefined : mismatch(`something inside is no ${extension}`)),
  };
}

function textOnly(isUnknown: boolean): MemberCheck {
  const check = openTextCheck();
  let refusal: Refusal | undefined;
  const attempt = (work: () => void): void => {
    if (refusal !== undefined) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusal = isUnknown ? mismatch('something of an unknown type inside') : error;
    }
  };
  return {
    push: (chunk) => attempt(() => check.push(chunk)),
    end: () => {
      attempt(() => check.end());
      return refusal;
    },
  };
}

function refusing(refusal: Refusal | undefined): MemberCheck {
  return { push: () => undefined, end: () => refusal };
}
