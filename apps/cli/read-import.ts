import { readImportedUser, type ImportedUser } from '#access/imported-user.ts';

/** A line of a thousand-character name, address and hash has less. */
const MAX_LINE_BYTES = 8_192;
const LINE_FEED = 0x0a;

/** What is wrong with a line, without anything of what stands in it. */
export interface LineFault {
  /** Counted from 1. */
  line: number;
  faults: string[];
}

export interface Import {
  users: ImportedUser[];
  faulty: LineFault[];
}

/** Reads JSON Lines to their end, so that everything that is wrong is known before anything is done. Empty lines are none. */
export async function readImport(input: AsyncIterable<Uint8Array>): Promise<Import> {
  const found: Import = { users: [], faulty: [] };
  const lineOf = new Map<string, number>();
  let line = 0;
  for await (const bytes of linesOf(input)) {
    line += 1;
    const text = textOf(bytes);
    if (text === '') continue;
    const read =
      text === undefined ? { faults: [bytes === undefined ? 'is too long' : 'is no UTF-8'] } : readImportedUser(text);
    if ('faults' in read) {
      found.faulty.push({ line, faults: read.faults });
      continue;
    }
    const earlier = lineOf.get(read.user.email);
    if (earlier === undefined) {
      lineOf.set(read.user.email, line);
      found.users.push(read.user);
    } else found.faulty.push({ line, faults: [`has the address of line ${earlier}`] });
  }
  return found;
}

/** Each line without its end; undefined for one that is too long to be kept. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | undefined> {
  let begun: Uint8Array[] = [];
  let length = 0;
  const keep = (part: Uint8Array): void => {
    length += part.length;
    if (length <= MAX_LINE_BYTES) begun.push(part);
    else begun = [];
  };
  const take = (): Buffer | undefined => {
    const whole = length > MAX_LINE_BYTES ? undefined : Buffer.concat(begun);
    begun = [];
    length = 0;
    return whole;
  };
  for await (const chunk of input) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      keep(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    keep(chunk.subarray(from));
  }
  if (length > 0) yield take();
}

/** Undefined for what is no UTF-8. A byte order mark is passed over. */
function textOf(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim();
  } catch {
    return undefined;
  }
}
