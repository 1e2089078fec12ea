import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';
import { attributesOf, decodeReferences, isTagNamed, NAME_PREFIX } from '#uploads/inspect/xml-tag.ts';

const OVERLAP_CHARS = 4_096;
const HEAD_CHARS = 256;
/** No honest tag of those that are judged is longer. */
const MAX_TAG_CHARS = 64 * 1024;
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';
/** XML 1.0 §2.8, the whole of it. */
const DECLARATION =
  /^<\?xml\s+version\s*=\s*["']1\.\d["'](?:\s+encoding\s*=\s*["']([\w.-]+)["'])?(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>/;
/** Encodings in which the patterns below look as in ASCII. */
const PLAIN_ENCODING = /^(?:utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d)$/i;
const DTD = /<!(?:DOCTYPE|ENTITY)/i;
const DDE = /DDE(?:AUTO)?\b/i;
const HYPERLINK = /\/relationships\/hyperlink$/;
const JUDGED = ['Relationship', 'fldSimple', 'instrText', 'delInstrText'];

// Up to the next tag: a value may hold `>`, and nothing but markup may hold `<` (XML 1.0 §2.4).
const RELATION = new RegExp(`<${NAME_PREFIX}Relationship(?=[\\s/>])[^<]*(?=<)`, 'g');
const FIELD_TEXT = new RegExp(
  `<${NAME_PREFIX}(?:delI|i)nstrText(?=[\\s/>])((?:"[^"<]*"|'[^'<]*'|[^"'<>])*)>([^<]*)(?=<(.))`,
  'gs',
);
const FIELD_VALUE = new RegExp(`\\s${NAME_PREFIX}instr\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'g');

/** Holds one XML part of a document against the rules as it comes in. No DTD is read, no entity expanded. */
export interface XmlCheck {
  push(chunk: Buffer): void;
  end(): void;
}

export function openXmlCheck(): XmlCheck {
  let before = '';
  let fields = '';
  let isHead = true;

  function judgeHead(text: string): void {
    requirePlainEncoding(text.slice(0, HEAD_CHARS));
    isHead = false;
  }

  function judge(window: string): void {
    if (DTD.test(window)) throw new Refusal('active-content', 'a document with a DTD');
    if (window.includes('Relationship')) for (const [tag] of window.matchAll(RELATION)) requireInner(tag);
    // Field codes may be spread over many elements, so they are judged together.
    fields += fieldsIn(window);
    if (DDE.test(fields)) throw new Refusal('active-content', 'a document with a DDE field');
    fields = fields.slice(-'DDEAUTO'.length);
  }

  return {
    push(chunk) {
      const window = before + chunk.toString('latin1');
      if (isHead && window.length >= HEAD_CHARS) judgeHead(window);
      judge(window);
      before = endOf(window);
    },
    end() {
      if (before === '') throw mismatch('an empty part');
      if (isHead) judgeHead(before);
      // Whoever reads a part that is cut off may take its last tag all the same.
      judge(`${before}</`);
    },
  };
}

function requirePlainEncoding(head: string): void {
  const text = head.startsWith(BYTE_ORDER_MARK) ? head.slice(BYTE_ORDER_MARK.length) : head;
  const declaration = DECLARATION.exec(text);
  const isUnclear = declaration === null && /^<\?xml\s/.test(text);
  if (text.includes('\0') || !/^\s*</.test(text) || isUnclear || !PLAIN_ENCODING.test(declaration?.[1] ?? 'utf-8')) {
    throw mismatch('a part in an unusual encoding');
  }
}

/** Of what lies outside of a document only links that a reader clicks on are taken (ECMA-376 part 2, §6.5). */
function requireInner(tag: string): void {
  if (!tag.includes('TargetMode')) return;
  const attributes = attributesOf(tag);
  const mode = attributes?.get('TargetMode') ?? 'Internal';
  const isLink = mode === 'External' && HYPERLINK.test(attributes?.get('Type') ?? '');
  if (attributes === undefined || (mode !== 'Internal' && !isLink)) {
    throw new Refusal('active-content', 'a document that fetches something');
  }
}

function fieldsIn(window: string): string {
  if (!window.includes('instr') && !window.includes('delInstrText')) return '';
  let fields = '';
  for (const [, attributes = '', text = '', next] of window.matchAll(FIELD_TEXT)) {
    if (attributes.endsWith('/')) continue;
    // A comment or a CDATA section would hide what a reader of the document sees as one text.
    if (next !== '/') throw new Refusal('active-content', 'a document with a field in pieces');
    fields += decodeReferences(text);
  }
  for (const [, quoted, other = ''] of window.matchAll(FIELD_VALUE)) fields += decodeReferences(quoted ?? other);
  return fields;
}

/** What the next window begins with: the last two tags with what is behind them, which may go on there. */
function endOf(window: string): string {
  const last = window.lastIndexOf('<');
  const beforeLast = last > 0 ? window.lastIndexOf('<', last - 1) : -1;
  const begun = [beforeLast, last].filter((at) => at >= 0);
  const carried = window.slice(Math.max(0, Math.min(window.length - OVERLAP_CHARS, ...begun)));
  if (carried.length <= MAX_TAG_CHARS) return carried;
  if (begun.some((at) => isTagNamed(window, at, JUDGED))) throw mismatch('a part with too long a tag');
  return window.slice(-OVERLAP_CHARS);
}
