const MAX_NAME_BYTES = 200;
const MAX_EXTENSION_CHARS = 16;

// Names that Windows takes for devices, with any extension.
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
// Cf holds the bidi marks that make `exe` look like `png`; Cs are lone surrogates; U+FFFD stands for invalid bytes.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
const SEPARATORS = /[:/\\\uFFFD]/g;

/**
 * The one name that is judged, stored and served, made from what a client sent: NFC, without control and bidi
 * characters, at most 200 bytes of UTF-8. Empty if nothing is left. It never takes part in a path.
 */
export function safeName(sent: string): string {
  const base = sent.slice(Math.max(sent.lastIndexOf('/'), sent.lastIndexOf('\\')) + 1);
  if (base === '.' || base === '..') return '';
  const plain = base.normalize('NFC').replace(INVISIBLE, '').replace(SEPARATORS, '_');
  const trimmed = plain.replace(/^[\s.]+/u, '').replace(/[\s.]+$/u, '');
  return shorten(DEVICE.test(trimmed) ? `_${trimmed}` : trimmed);
}

/**
 * What the last dot is followed by, compared as NFKC in lower case; undefined if there is none or it isn't one of
 * ASCII letters and digits.
 */
export function extensionOf(name: string): string | undefined {
  const compared = name.normalize('NFKC').toLowerCase();
  const dot = compared.lastIndexOf('.');
  if (dot <= 0) return undefined;
  const extension = compared.slice(dot + 1);
  return /^[a-z0-9]{1,16}$/.test(extension) ? extension : undefined;
}

function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= MAX_EXTENSION_CHARS + 1 ? name.slice(dot) : '';
  const room = MAX_NAME_BYTES - Buffer.byteLength(extension);
  let stem = '';
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    stem += character;
  }
  return `${stem.trimEnd()}${extension}`;
}
