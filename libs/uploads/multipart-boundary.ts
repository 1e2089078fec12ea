const MAX_CHARS = 70; // RFC 2046 §5.1.1
/** What the grammar there allows, without the space. */
const PLAIN = /^[0-9A-Za-z'()+_,./:=?-]+$/;
const CARRIAGE_RETURN = 13;

export interface Boundary {
  /** What stands before every part but the first, and before the end. */
  delimiter: Buffer;
  /** For the parser, which then reads the same boundary. Undefined where it must read the sender's header itself. */
  contentType: string | undefined;
}

/** The boundary that a multipart content type names; undefined if there is none, or one that is too long. */
export function boundaryOf(contentType: string): Boundary | undefined {
  const match = /;\s*boundary=(?:"([^"]*)"|([^\s;]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2] ?? '';
  if (boundary === '' || boundary.length > MAX_CHARS) return undefined;
  return {
    delimiter: Buffer.from(`\r\n--${boundary}`),
    contentType: PLAIN.test(boundary) ? `multipart/form-data; boundary="${boundary}"` : undefined,
  };
}

/** Whether a delimiter that begins in these bytes may go on in the next ones; yes where they are shorter than it. */
export function isDelimiterOpen(chunk: Buffer, delimiter: Buffer): boolean {
  if (chunk.length < delimiter.length) return true;
  const from = chunk.length - delimiter.length + 1;
  for (let at = chunk.indexOf(CARRIAGE_RETURN, from); at !== -1; at = chunk.indexOf(CARRIAGE_RETURN, at + 1)) {
    if (chunk.subarray(at).equals(delimiter.subarray(0, chunk.length - at))) return true;
  }
  return false;
}

/** Whether bytes that follow a closed delimiter are neither one themselves nor the beginning of one. */
export function isAllContent(chunk: Buffer, delimiter: Buffer): boolean {
  return !isDelimiterOpen(chunk, delimiter) && !chunk.includes(delimiter);
}
