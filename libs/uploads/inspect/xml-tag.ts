/**
 * The prefix of a name, which is for whoever writes a document to choose (Namespaces in XML 1.0 §4). White space is what
 * XML calls so: `\s` would match bytes of letters too, since parts are read as latin1.
 */
export const NAME_PREFIX = `(?:[^ \\t\\r\\n"'<>/:=]+:)?`;

const MAX_NAME_CHARS = 256;
const ATTRIBUTE = /[ \t\r\n]+([^ \t\r\n"'<>/=]+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y;
const TAG_END = /[ \t\r\n]*\/?>/y;

/**
 * The attributes of the tag that a text begins with, values as they are written.
 * @returns undefined if it is no whole tag, or says something twice.
 */
export function attributesOf(tag: string): Map<string, string> | undefined {
  const attributes = new Map<string, string>();
  let at = /^<[^ \t\r\n/>]+/.exec(tag)?.[0].length ?? 0;
  for (;;) {
    ATTRIBUTE.lastIndex = at;
    const match = ATTRIBUTE.exec(tag);
    if (match === null) break;
    const [, name = '', quoted, other = ''] = match;
    if (attributes.has(name)) return undefined;
    attributes.set(name, quoted ?? other);
    at = ATTRIBUTE.lastIndex;
  }
  TAG_END.lastIndex = at;
  return TAG_END.test(tag) ? attributes : undefined;
}

/** Characters that are written as numbers (XML 1.0 §4.1) as themselves. */
export function decodeReferences(text: string): string {
  if (!text.includes('&#')) return text;
  return text.replace(/&#(?:x([0-9a-fA-F]+)|([0-9]+));/g, (_, hex?: string, decimal = '') => {
    const code = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });
}

/** Whether what begins at a `<` is a tag of one of these names, with whatever prefix; also if its name never ends. */
export function isTagNamed(text: string, at: number, names: readonly string[]): boolean {
  const begin = text.slice(at + 1, at + 1 + MAX_NAME_CHARS);
  if (/^[!?/]/.test(begin)) return false;
  const name = /^([^ \t\r\n/>]*)[ \t\r\n/>]/.exec(begin)?.[1];
  if (name === undefined) return begin.length === MAX_NAME_CHARS;
  return names.includes(name.slice(name.indexOf(':') + 1));
}
