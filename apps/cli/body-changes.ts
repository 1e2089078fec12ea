const textOf = (body: Buffer): string => body.toString('utf8');

const NOT_ASCII = /[^\0-~]/g;
const escaped = (text: string): string =>
  text.replaceAll(NOT_ASCII, (unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

function serialised(body: Buffer, write: (value: unknown) => string): Buffer | undefined {
  try {
    return Buffer.from(write(JSON.parse(textOf(body))));
  } catch {
    return undefined;
  }
}

const replaced = (pattern: RegExp, text: string) => (body: Buffer) => Buffer.from(textOf(body).replace(pattern, text));

/** How a body may have been changed between signing and checking, with what undoes it. */
export const bodyChanges: readonly { hint: string; undo: (body: Buffer) => Buffer | undefined }[] = [
  { hint: 'the body has a line break at its end that was not signed', undo: replaced(/\r?\n$/, '') },
  {
    hint: 'the body lacks the line break at its end that was signed',
    undo: (body) => Buffer.concat([body, Buffer.from('\n')]),
  },
  { hint: 'the body begins with a byte order mark that was not signed', undo: replaced(/^\uFEFF/, '') },
  { hint: 'the line breaks of the body were turned into CR LF', undo: replaced(/\r\n/g, '\n') },
  { hint: 'the line breaks of the body were CR LF when it was signed', undo: replaced(/\r?\n/g, '\r\n') },
  {
    hint: 'the JSON was formatted: it was signed without spaces',
    undo: (body) => serialised(body, (value) => JSON.stringify(value)),
  },
  {
    hint: 'the JSON was serialised again: it was signed indented',
    undo: (body) => serialised(body, (value) => JSON.stringify(value, undefined, 2)),
  },
  {
    hint: String.raw`the JSON was serialised again: it was signed with \u escapes`,
    undo: (body) => serialised(body, (value) => escaped(JSON.stringify(value))),
  },
  {
    hint: String.raw`the JSON was serialised again: it was signed with \u escapes and \/`,
    undo: (body) => serialised(body, (value) => escaped(JSON.stringify(value)).replaceAll('/', String.raw`\/`)),
  },
  {
    hint: 'the body was read as Latin-1 and written as UTF-8',
    undo: (body) => Buffer.from(textOf(body), 'latin1'),
  },
];
