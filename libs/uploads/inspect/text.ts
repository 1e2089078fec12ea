import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { mismatch } from '#uploads/inspect/refusal.ts';

// TAB, LF, FF and CR are the only control characters of honest text.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/;

/** Checks that bytes are text, as they come in. */
export interface TextCheck {
  /** @returns the text of this chunk. */
  push(chunk: Buffer): string;
  end(): string;
}

/** UTF-8, or UTF-16 with a byte order mark, without control characters. */
export function openTextCheck(): TextCheck {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let held = Buffer.alloc(0);

  function decode(chunk: Buffer, isLast: boolean): string {
    let text: string;
    try {
      decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true });
      text = decoder.decode(chunk, { stream: !isLast });
    } catch {
      throw mismatch('not text');
    }
    if (CONTROL.test(text)) throw mismatch('text with control characters');
    return text;
  }

  return {
    push(chunk) {
      if (decoder !== undefined) return decode(chunk, false);
      // The byte order mark may be cut in two.
      held = Buffer.concat([held, chunk]);
      return held.length < 2 ? '' : decode(held, false);
    },
    end() {
      return decode(decoder === undefined ? held : Buffer.alloc(0), true);
    },
  };
}

function encodingOf(head: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

export function inspectText(bytes: FileBytes, onText: (text: string) => void = () => undefined): void {
  const check = openTextCheck();
  for (const chunk of bytes.chunks()) onText(check.push(chunk));
  onText(check.end());
}
