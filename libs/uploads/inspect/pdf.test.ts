import { deflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { pdf } from '#testing/files/documents.ts';
import { bytesOf } from '#uploads/inspect/file-bytes.ts';
import { inspectPdf } from '#uploads/inspect/pdf.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';

const SCRIPT = '10 0 << /S /JavaScript /JS (app.alert(1)) >>';
const WINDOW_BYTES = 64 * 1024;

function reasonOf(objects: string): string {
  try {
    inspectPdf(bytesOf(pdf({ objects })));
    return 'accepted';
  } catch (error) {
    return error instanceof Refusal ? error.reason : String(error);
  }
}

const packed = (text: string): string => deflateSync(Buffer.from(text)).toString('latin1');
const hex = (text: string): string => `${Buffer.from(text).toString('hex')}>`;
const stream = (dictionary: string, content: string): string =>
  `9 0 obj\n<< ${dictionary} >>\nstream\n${content}\nendstream\nendobj`;

it.each([
  ['packed', stream('/Type /ObjStm /Filter /FlateDecode', packed(SCRIPT))],
  ['packed in an unusual way', stream('/Type /ObjStm /Filter /ASCIIHexDecode', hex(SCRIPT))],
  ['in an escaped name', stream('/Type /#4fbj#53tm /Filter /ASCIIHexDecode', hex(SCRIPT))],
  [
    'behind a long dictionary',
    stream(`/Type /ObjStm /Pad (${'x'.repeat(3_000)}) /Filter /ASCIIHexDecode`, hex(SCRIPT)),
  ],
  ['behind an object in a string', stream('/Type /ObjStm /Pad (1 0 obj) /Filter /ASCIIHexDecode', hex(SCRIPT))],
])('refuses a script among objects %s', (_, objects) => {
  expect(reasonOf(objects)).toBe('active-content');
});

it('takes packed objects wherever the windows are cut', () => {
  const object = stream('/Type /ObjStm /Filter /FlateDecode', packed('10 0 << /A /B >>')).replace(
    'stream\n',
    'stream\r\n',
  );
  const from = pdf({ objects: '' }).indexOf('trailer');
  for (let shift = 0; shift < 80; shift += 1) {
    expect(reasonOf(`${'%'.repeat(WINDOW_BYTES - from - shift)}\n${object}`)).toBe('accepted');
  }
});
