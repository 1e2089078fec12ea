import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasClamd, openTestClamd } from '#testing/clamd.ts';
import { ole, ooxml, pdf, pdfObjectStream, rtf } from '#testing/files/documents.ts';
import { gif, jpeg, png } from '#testing/files/images.ts';
import { sample } from '#testing/files/samples.ts';
import { encryptedSevenZip } from '#testing/files/seven-zip.ts';
import { tar } from '#testing/files/tar.ts';
import { nestedZip, zip } from '#testing/files/zip.ts';
import { send, upload, verdictOf, type Part } from '#testing/upload-client.ts';
import { type UploadSystem } from '#testing/upload-core.ts';
import { openUploadSystem } from '#testing/upload-system.ts';
import type { FileType } from '#uploads/file-kind.ts';
import { defaultPolicy } from '#uploads/file-policy.ts';
import type { LocalClamd } from '#uploads/local-clamd.ts';
import { eicar } from '#uploads/test-signatures.ts';

interface Row {
  id: string;
  what: string;
  filename: string;
  type?: string;
  content: () => Buffer;
  answer: 'clean' | 'not-allowed' | readonly [status: string, reason: string];
}

const MISMATCH = ['rejected', 'type-mismatch'] as const;
const ACTIVE = ['rejected', 'active-content'] as const;
const MACRO = ['rejected', 'macro'] as const;
const INFECTED = ['infected', 'infected'] as const;
const ENCRYPTED = ['unscannable', 'encrypted-archive'] as const;

const text =
  (content: string): (() => Buffer) =>
  () =>
    Buffer.from(content);
const svg = (inside: string) => text(`<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>`);
const relation = (type: string, target: string): string =>
  `<?xml version="1.0"?><Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${type}" Target="${target}" TargetMode="External"/></Relationships>`;
const MACRO_TYPE = 'application/vnd.ms-word.document.macroEnabled.main+xml';

/** Types that the default policy doesn't have, for the rows that need them. */
const wider: [string, FileType][] = [
  ['eml', { kind: 'text', declared: ['message/rfc822'], detected: [], served: 'text/plain; charset=utf-8' }],
  ['gz', { kind: 'gzip', declared: ['application/gzip'], detected: ['gz', 'tar.gz'], served: 'application/gzip' }],
  ['tgz', { kind: 'gzip', declared: ['application/gzip'], detected: ['gz', 'tar.gz'], served: 'application/gzip' }],
  [
    '7z',
    {
      kind: 'opaque',
      declared: ['application/x-7z-compressed'],
      detected: ['7z'],
      served: 'application/x-7z-compressed',
    },
  ],
  ['bin', { kind: 'any', declared: [], detected: [], served: 'application/octet-stream' }],
];

const rows: Row[] = [
  {
    id: '23',
    what: 'HTML as an image',
    filename: 'a.png',
    content: text('<html><body>hi</body></html>'),
    answer: MISMATCH,
  },
  { id: '24', what: 'an image declared as HTML', filename: 'a.png', type: 'text/html', content: png, answer: MISMATCH },
  {
    id: '25',
    what: 'a program as PDF',
    filename: 'a.pdf',
    content: () => Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200)]),
    answer: MISMATCH,
  },
  {
    id: '26',
    what: 'an ELF as text',
    filename: 'a.txt',
    content: () => Buffer.concat([Buffer.from('7f454c46020101', 'hex'), Buffer.alloc(60)]),
    answer: MISMATCH,
  },
  { id: '27', what: 'eight magic bytes', filename: 'a.png', content: () => png().subarray(0, 8), answer: MISMATCH },
  {
    id: '28a',
    what: 'SVG with a script',
    filename: 'a.svg',
    content: svg('<script>alert(1)</script>'),
    answer: 'not-allowed',
  },
  {
    id: '28b',
    what: 'SVG with onload',
    filename: 'a.svg',
    content: svg('<g onload="alert(1)"/>'),
    answer: 'not-allowed',
  },
  {
    id: '28c',
    what: 'SVG with foreignObject',
    filename: 'a.svg',
    content: svg('<foreignObject/>'),
    answer: 'not-allowed',
  },
  {
    id: '28d',
    what: 'SVG with an external DTD',
    filename: 'a.svg',
    content: text('<!DOCTYPE svg SYSTEM "http://192.0.2.1/x.dtd"><svg/>'),
    answer: 'not-allowed',
  },
  { id: '29a', what: 'HTML', filename: 'a.html', content: text('<html></html>'), answer: 'not-allowed' },
  {
    id: '29b',
    what: 'XHTML',
    filename: 'a.xhtml',
    content: text('<html xmlns="http://www.w3.org/1999/xhtml"/>'),
    answer: 'not-allowed',
  },
  {
    id: '29c',
    what: 'XML with a stylesheet',
    filename: 'a.xml',
    content: text('<?xml-stylesheet href="x.xsl"?><a/>'),
    answer: 'not-allowed',
  },
  {
    id: '30a',
    what: 'a GIF with an infected archive behind it',
    filename: 'a.gif',
    content: () => gif({ after: zip([{ name: 'e.txt', data: eicar() }]) }),
    answer: MISMATCH,
  },
  {
    id: '30b',
    what: 'a GIF with a harmless archive behind it',
    filename: 'a.gif',
    content: () => gif({ after: zip([{ name: 'a.txt', data: 'a' }]) }),
    answer: MISMATCH,
  },
  {
    id: '31a',
    what: 'a GIF header before PHP',
    filename: 'a.gif',
    content: text('GIF89a<?php system($_GET[0]); ?>'),
    answer: MISMATCH,
  },
  {
    id: '31b',
    what: 'a JPEG header before PHP',
    filename: 'a.jpg',
    content: () =>
      Buffer.concat([Buffer.from('ffd8ffe000104a46494600', 'hex'), Buffer.from('<?php system($_GET[0]); ?>')]),
    answer: MISMATCH,
  },
  {
    id: '31c',
    what: 'a PNG before PHP',
    filename: 'a.png',
    content: () => png({ after: Buffer.from('<?php ?>') }),
    answer: MISMATCH,
  },
  {
    id: '32a',
    what: 'a PDF with JavaScript',
    filename: 'a.pdf',
    content: () => pdf({ objects: '4 0 obj\n<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>\nendobj' }),
    answer: ACTIVE,
  },
  {
    id: '32a',
    what: 'a PDF with JavaScript under an escaped name',
    filename: 'a.pdf',
    content: () => pdf({ objects: '4 0 obj\n<< /S /Java#53cript /JS (app.alert(1)) >>\nendobj' }),
    answer: ACTIVE,
  },
  {
    id: '32a',
    what: 'a PDF with JavaScript in packed objects',
    filename: 'a.pdf',
    content: () => pdf({ objects: pdfObjectStream('<< /S /JavaScript /JS (app.alert(1)) >>') }),
    answer: ACTIVE,
  },
  {
    id: '32b',
    what: 'a PDF that launches',
    filename: 'a.pdf',
    content: () => pdf({ objects: '4 0 obj\n<< /S /Launch /F (cmd.exe) >>\nendobj' }),
    answer: ACTIVE,
  },
  {
    id: '32c',
    what: 'a PDF with a file in it',
    filename: 'a.pdf',
    content: () => pdf({ objects: '4 0 obj\n<< /Type /EmbeddedFile /Length 0 >>\nendobj' }),
    answer: ACTIVE,
  },
  {
    id: '32d',
    what: 'a PDF with an archive behind it',
    filename: 'a.pdf',
    content: () => pdf({ after: zip([{ name: 'a.txt', data: 'a' }]) }),
    answer: MISMATCH,
  },
  {
    id: '32d',
    what: 'a PDF with an archive whose comment looks like its end',
    filename: 'a.pdf',
    content: () => pdf({ after: zip([{ name: 'a.txt', data: 'a' }], { comment: '\n%%EOF\n' }) }),
    answer: MISMATCH,
  },
  {
    id: '32e',
    what: 'a PDF behind 900 bytes',
    filename: 'a.pdf',
    content: () => pdf({ before: Buffer.alloc(900, 'x') }),
    answer: MISMATCH,
  },
  { id: '33a', what: 'EICAR', filename: 'a.txt', content: eicar, answer: INFECTED },
  {
    id: '33b',
    what: 'EICAR and a line end',
    filename: 'a.txt',
    content: () => Buffer.concat([eicar(), Buffer.from('\r\n')]),
    answer: INFECTED,
  },
  {
    id: '33c',
    what: 'EICAR behind a word, which is no EICAR by its definition',
    filename: 'a.txt',
    content: () => Buffer.concat([Buffer.from('hello '), eicar()]),
    answer: 'clean',
  },
  {
    id: '33d',
    what: 'EICAR in a zip',
    filename: 'a.zip',
    content: () => zip([{ name: 'eicar.com', data: eicar() }]),
    answer: INFECTED,
  },
  {
    id: '33e',
    what: 'EICAR in a tgz',
    filename: 'a.tgz',
    content: () => gzipSync(tar([{ name: 'e.txt', data: eicar() }])),
    answer: INFECTED,
  },
  { id: '33f', what: 'EICAR in a gz', filename: 'a.gz', content: () => gzipSync(eicar()), answer: INFECTED },
  { id: '33g', what: 'EICAR attached to an e-mail', filename: 'a.eml', content: () => mail(eicar()), answer: INFECTED },
  {
    id: '33h',
    what: 'EICAR as bare base64, which nobody would run',
    filename: 'a.txt',
    content: () => Buffer.from(eicar().toString('base64')),
    answer: 'clean',
  },
  { id: '33i', what: 'EICAR in 2 zips', filename: 'a.zip', content: () => nestedZip(eicar(), 2), answer: INFECTED },
  { id: '33i', what: 'EICAR in 3 zips', filename: 'a.zip', content: () => nestedZip(eicar(), 3), answer: INFECTED },
  ...[4, 5, 10, 11].map((levels): Row => ({
    id: '33i',
    what: `EICAR in ${levels} zips`,
    filename: 'a.zip',
    content: () => nestedZip(eicar(), levels),
    answer: ['rejected', 'archive-limits'],
  })),
  ...[12, 13, 20].map((levels): Row => ({
    id: '33j',
    what: `EICAR in ${levels} zips`,
    filename: 'a.zip',
    content: () => nestedZip(eicar(), levels),
    answer: ['rejected', 'archive-limits'],
  })),
  ...[12, 13, 20].map((levels): Row => ({
    id: '33j',
    what: `EICAR in ${levels} zips, past our own look`,
    filename: 'a.bin',
    content: () => nestedZip(eicar(), levels),
    answer: ['unscannable', 'archive-limits'],
  })),
  {
    id: '34a',
    what: 'an encrypted zip',
    filename: 'a.zip',
    content: () => zip([{ name: 'a.txt', data: 'secret', flags: 0x0801 }]),
    answer: ENCRYPTED,
  },
  { id: '34b', what: 'an encrypted 7z', filename: 'a.7z', content: encryptedSevenZip, answer: ENCRYPTED },
  {
    id: '34c',
    what: 'an encrypted PDF',
    filename: 'a.pdf',
    content: () => pdf({ trailer: '/Encrypt 9 0 R' }),
    answer: ENCRYPTED,
  },
  {
    id: '34d',
    what: 'an encrypted docx',
    filename: 'a.docx',
    content: () =>
      ole([
        { name: 'EncryptionInfo', data: Buffer.alloc(8) },
        { name: 'EncryptedPackage', data: Buffer.alloc(8) },
      ]),
    answer: ENCRYPTED,
  },
  {
    id: '34d',
    what: 'an encrypted doc',
    filename: 'a.doc',
    content: () => ole([{ name: 'WordDocument', data: Buffer.from('eca5c1000000000000000001', 'hex') }]),
    answer: ENCRYPTED,
  },
  {
    id: '35a',
    what: 'a docm',
    filename: 'a.docm',
    content: () => ooxml('docx', { contentType: MACRO_TYPE }),
    answer: 'not-allowed',
  },
  {
    id: '35a',
    what: 'a docm called docx',
    filename: 'a.docx',
    content: () => ooxml('docx', { contentType: MACRO_TYPE }),
    answer: MACRO,
  },
  {
    id: '35b',
    what: 'a docx with a VBA project',
    filename: 'a.docx',
    content: () => ooxml('docx', { more: [{ name: 'word/vbaProject.bin', data: 'x' }] }),
    answer: MACRO,
  },
  { id: '35c', what: 'an xlsm', filename: 'a.xlsm', content: () => ooxml('xlsx'), answer: 'not-allowed' },
  {
    id: '35c',
    what: 'an xlsm called xlsx',
    filename: 'a.xlsx',
    content: () => ooxml('xlsx', { contentType: 'application/vnd.ms-excel.sheet.macroEnabled.main+xml' }),
    answer: MACRO,
  },
  {
    id: '35c',
    what: 'an xlsx with a macro sheet',
    filename: 'a.xlsx',
    content: () => ooxml('xlsx', { more: [{ name: 'xl/macrosheets/sheet1.xml', data: '<a/>' }] }),
    answer: MACRO,
  },
  {
    id: '35d',
    what: 'a doc with a VBA project',
    filename: 'a.doc',
    content: () =>
      ole([
        { name: 'WordDocument', data: Buffer.alloc(64) },
        { name: 'Macros' },
        { name: '_VBA_PROJECT', data: Buffer.alloc(8) },
      ]),
    answer: MACRO,
  },
  {
    id: '35e',
    what: 'an RTF with an object',
    filename: 'a.rtf',
    content: () => rtf(String.raw`{\object\objemb{\*\objdata 0105}}`),
    answer: ACTIVE,
  },
  {
    id: '35f',
    what: 'a docx with a DDE field',
    filename: 'a.docx',
    content: () =>
      ooxml('docx', { main: '<w:document><w:instrText>DDEAUTO c:\\\\cmd.exe "/k calc"</w:instrText></w:document>' }),
    answer: ACTIVE,
  },
  {
    id: '35f',
    what: 'a docx with a DDE field in pieces',
    filename: 'a.docx',
    content: () =>
      ooxml('docx', {
        main: '<w:document><w:instrText xml:space="preserve"> DD</w:instrText><w:instrText>EAUTO cmd</w:instrText></w:document>',
      }),
    answer: ACTIVE,
  },
  {
    id: '35f',
    what: 'a doc with a DDE field',
    filename: 'a.doc',
    content: () =>
      ole([
        { name: 'WordDocument', data: Buffer.concat([Buffer.alloc(64), Buffer.from('\u0013 DDEAUTO cmd', 'utf16le')]) },
      ]),
    answer: ACTIVE,
  },
  {
    id: '35f',
    what: 'an RTF with a DDE field',
    filename: 'a.rtf',
    content: () => rtf(String.raw`{\field{\*\fldinst DDEAUTO c:\\cmd.exe}}`),
    answer: ACTIVE,
  },
  {
    id: '35g',
    what: 'a docx with a remote template',
    filename: 'a.docx',
    content: () =>
      ooxml('docx', {
        more: [{ name: 'word/_rels/settings.xml.rels', data: relation('attachedTemplate', 'http://192.0.2.1/t.dotm') }],
      }),
    answer: ACTIVE,
  },
  {
    id: '35g',
    what: 'a docx with a link that a reader may follow',
    filename: 'a.docx',
    content: () =>
      ooxml('docx', {
        more: [{ name: 'word/_rels/document.xml.rels', data: relation('hyperlink', 'https://example.com/') }],
      }),
    answer: 'clean',
  },
  ...['lnk', 'url', 'hta', 'js', 'vbs', 'iso', 'img', 'one', 'msi'].map((extension, index): Row => ({
    id: `36${'abcdeffgh'[index]}`,
    what: extension,
    filename: `a.${extension}`,
    content: text('anything'),
    answer: 'not-allowed',
  })),
  {
    id: '36h',
    what: 'an MSI called doc',
    filename: 'a.doc',
    content: () => ole([{ name: '\u4840\u3f3f\u4577\u446c', data: Buffer.alloc(64) }]),
    answer: MISMATCH,
  },
  {
    id: '37a',
    what: 'a JPEG with a place in its EXIF',
    filename: 'a.jpg',
    content: () => jpeg({ segments: [[0xe1, Buffer.from('Exif\0\0MM\0*\0\0\0\x08')]] }),
    answer: 'clean',
  },
  {
    id: '37b',
    what: 'a JPEG with a payload in its XMP',
    filename: 'a.jpg',
    content: () => jpeg({ segments: [[0xe1, Buffer.from('http://ns.adobe.com/xap/1.0/\0<script>alert(1)</script>')]] }),
    answer: 'clean',
  },
  {
    id: '39a',
    what: 'a docx with entities that grow',
    filename: 'a.docx',
    content: () =>
      ooxml('docx', { main: '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>' }),
    answer: ACTIVE,
  },
  {
    id: '39b',
    what: 'a docx with an external entity',
    filename: 'a.docx',
    content: () =>
      ooxml('docx', { main: '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>' }),
    answer: ACTIVE,
  },
  {
    id: '39b',
    what: 'the same in UTF-16',
    filename: 'a.docx',
    content: () =>
      ooxml('docx', {
        more: [
          {
            name: 'word/a.xml',
            data: Buffer.from('\ufeff<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a/>', 'utf16le'),
          },
        ],
      }),
    answer: MISMATCH,
  },
  {
    id: '22',
    what: 'a zip with a program in it',
    filename: 'a.zip',
    content: () => zip([{ name: 'setup.exe', data: 'MZ' }]),
    answer: ACTIVE,
  },
  {
    id: '22',
    what: 'a zip with an image that is none',
    filename: 'a.zip',
    content: () => zip([{ name: 'a.png', data: '<?php ?>' }]),
    answer: MISMATCH,
  },
  {
    id: '22',
    what: 'a zip with binary content of an unknown type',
    filename: 'a.zip',
    content: () => zip([{ name: 'data.xyz', data: Buffer.from([0, 1, 2, 3]) }]),
    answer: MISMATCH,
  },
  {
    id: '22',
    what: 'a zip with text of an unknown type',
    filename: 'a.zip',
    content: () =>
      zip([
        { name: 'LICENSE', data: 'free\n' },
        { name: 'a/', data: '' },
        { name: 'a/b.png', data: png() },
      ]),
    answer: 'clean',
  },
];

describe.skipIf(!hasClamd)('the content of an upload', () => {
  let clamd: LocalClamd;
  let system: UploadSystem;
  beforeAll(async () => {
    clamd = await openTestClamd();
    system = await openUploadSystem({ clamd: clamd.address, policy: new Map([...defaultPolicy, ...wider]) });
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await clamd?.[Symbol.asyncDispose]();
  });

  it.each(rows)('$id: $what', async ({ filename, type = 'application/octet-stream', content, answer }) => {
    const outcome = await outcomeOf({ filename, type, content: content() });
    const expected = {
      clean: { status: 'clean', reason: null, isToldWhy: false, served: [200, undefined] },
      'not-allowed': { status: 415, reason: 'type-not-allowed' },
      refused: { status: answer[0], reason: answer[1], isToldWhy: answer[1] !== 'infected', served: [410, answer[1]] },
    };
    expect(outcome).toEqual(expected[typeof answer === 'string' ? answer : 'refused']);
    expect(system.files().quarantine).toEqual([]);
  });

  async function outcomeOf(part: Part) {
    const accepted = await upload(system.origin, part);
    if (accepted.status !== 202) return { status: accepted.status, reason: accepted.json.code };
    const { json } = await verdictOf(system.origin, accepted.json.id);
    const content = await send(system.origin, `/api/uploads/${json.id}/content`);
    await system.settled();
    const isToldWhy = typeof json.detail === 'string';
    return { status: json.status, reason: json.reason, isToldWhy, served: [content.status, content.json?.code] };
  }

  it('38: a spreadsheet formula is flagged, and served as plain text', async () => {
    const content = Buffer.from('a,b\n1,=cmd|"/c calc"!A1\n');
    const accepted = await upload(system.origin, { filename: 'a.csv', type: 'text/csv', content });
    const { json } = await verdictOf(system.origin, accepted.json.id);
    expect(json).toMatchObject({ status: 'clean', warnings: ['csv-formula'], type: 'text/plain; charset=utf-8' });
  });

  it('is of the type that its verification says, for every type that is taken', async () => {
    for (const [extension, { served }] of defaultPolicy) {
      const { type, content } = sample(extension);
      const accepted = await upload(system.origin, { filename: `a.${extension}`, type, content });
      const { json } = await verdictOf(system.origin, accepted.json.id);
      expect([extension, json.status, json.type]).toEqual([extension, 'clean', served]);
    }
  });
});

function mail(attachment: Buffer): Buffer {
  const lines = [
    'From: a@example.com',
    'To: b@example.com',
    'Subject: hi',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="b"',
    '',
    '--b',
    'Content-Type: application/octet-stream; name="e.com"',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="e.com"',
    '',
    attachment.toString('base64'),
    '--b--',
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}
