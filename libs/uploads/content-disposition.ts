const PARAMETER = /;\s*([!#$%&'*+.^_`|~0-9a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/giy;

/**
 * Every file name that a Content-Disposition names, in order, `filename*` last (RFC 6266 §4.3: it wins); undefined if
 * the header is malformed. The last one is the name; that there is only one is for the caller to ask.
 */
export function fileNamesOf(header: string): string[] | undefined {
  const type = /^\s*[a-z-]+\s*(?=;|$)/i.exec(header);
  if (type === null) return undefined;
  const plain: string[] = [];
  const extended: string[] = [];
  let at = type[0].length;
  while (at < header.trimEnd().length) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(header);
    if (match === null) return undefined;
    at = PARAMETER.lastIndex;
    const value = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '';
    const name = (match[1] ?? '').toLowerCase();
    if (name === 'filename') plain.push(value);
    if (name !== 'filename*') continue;
    const decoded = decodeExtended(value);
    if (decoded === undefined) return undefined;
    extended.push(decoded);
  }
  return [...plain, ...extended];
}

/** RFC 8187 §3.2.1: charset, language, percent-encoded bytes. */
function decodeExtended(value: string): string | undefined {
  const match = /^utf-8'[\w-]*'((?:%[0-9a-f]{2}|[!#$&+.^_`|~0-9a-z-])*)$/i.exec(value);
  if (match === null) return undefined;
  const bytes = (match[1] ?? '').replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** `attachment` with a name, as RFC 6266 §4.3 advises: ASCII for old clients, RFC 8187 for the rest. */
export function attachmentHeader(name: string): string {
  const ascii = name
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '_')
    .replace(/["\\%]/g, '_');
  if (ascii === name) return `attachment; filename="${ascii}"`;
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeExtended(name)}`;
}

function encodeExtended(name: string): string {
  // encodeURIComponent leaves these, which RFC 8187 §3.2.1 does not count as attr-char.
  return encodeURIComponent(name).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
