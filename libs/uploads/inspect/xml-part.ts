import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';

const OVERLAP_CHARS = 4_096;
const ENCODING = /^(?:\ufeff)?<\?xml[^>]{0,200}?encoding\s*=\s*["']([^"']{1,40})["']/;
/** Encodings in which the patterns below look as in ASCII. */
const PLAIN_ENCODING = /^(?:utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d)$/i;
const DTD = /<!(?:DOCTYPE|ENTITY)/i;
const FIELD_TEXT = /<w:instrText[^>]*>([^<]*)<|\bw:instr\s*=\s*"([^"]*)"/g;
const DDE = /DDE(?:AUTO)?\b/i;
const RELATION = /<(?:\w+:)?Relationship\b[^>]*>/g;
const HYPERLINK = /\/relationships\/hyperlink$/;

/** Holds one XML part of a document against the rules as it comes in. No DTD is read, no entity expanded. */
export interface XmlCheck {
  push(chunk: Buffer): void;
  /** Field codes may be spread over many elements, so they are judged together. */
  end(): void;
}

export function openXmlCheck(): XmlCheck {
  let before = '';
  let fields = '';
  let isFirst = true;
  return {
    push(chunk) {
      const window = before + chunk.toString('latin1');
      if (isFirst) requirePlainEncoding(window);
      isFirst = false;
      if (DTD.test(window)) throw new Refusal('active-content', 'a document with a DTD');
      for (const [tag] of window.matchAll(RELATION)) requireInner(tag);
      for (const [, text = '', attribute = ''] of window.matchAll(FIELD_TEXT)) fields += text + attribute;
      if (fields.length > 1024 * 1024) fields = fields.slice(-OVERLAP_CHARS);
      if (DDE.test(fields)) throw new Refusal('active-content', 'a document with a DDE field');
      before = window.slice(-OVERLAP_CHARS);
    },
    end() {
      if (isFirst) throw mismatch('an empty part');
    },
  };
}

function requirePlainEncoding(head: string): void {
  if (head.slice(0, 200).includes('\0')) throw mismatch('a part in an unusual encoding');
  const encoding = ENCODING.exec(head)?.[1];
  if (encoding !== undefined && !PLAIN_ENCODING.test(encoding)) throw mismatch('a part in an unusual encoding');
}

/** Of what lies outside of a document only links that a reader clicks on are taken (ECMA-376 part 2, §6.5). */
function requireInner(tag: string): void {
  if (!/\bTargetMode\s*=\s*["']External["']/i.test(tag)) return;
  const type = /\bType\s*=\s*["']([^"']*)["']/.exec(tag)?.[1] ?? '';
  if (!HYPERLINK.test(type)) throw new Refusal('active-content', 'a document that fetches something');
}
