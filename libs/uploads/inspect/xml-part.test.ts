import { describe, expect, it } from 'vitest';
import { ooxml } from '#testing/files/documents.ts';
import { defaultPolicy } from '#uploads/file-policy.ts';
import { bytesOf } from '#uploads/inspect/file-bytes.ts';
import { inspectFile } from '#uploads/inspect/inspect-file.ts';

const CHUNK_BYTES = 64 * 1024;
const TEMPLATE =
  'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" Target="http://192.0.2.1/t.dotm"';
const LINK = 'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"';

async function reasonOf(document: Parameters<typeof ooxml>[1]): Promise<string> {
  const claim = { extension: 'docx', declaredType: undefined };
  const inspection = await inspectFile(bytesOf(ooxml('docx', document)), claim, defaultPolicy);
  return inspection.kind === 'refused' ? inspection.reason : 'accepted';
}

const relations = (inside: string): Promise<string> =>
  reasonOf({
    more: [{ name: 'word/_rels/settings.xml.rels', data: `<Relationships>${inside}</Relationships>`, isStored: true }],
  });
const fields = (inside: string): Promise<string> => reasonOf({ main: `<w:document>${inside}</w:document>` });

describe('a document that fetches a template is refused', () => {
  it.each([
    ['plainly', `<Relationship ${TEMPLATE} TargetMode="External"/>`],
    ['with an angle bracket in a value before it', `<Relationship Id="a>b" ${TEMPLATE} TargetMode="External"/>`],
    ['with a letter written as a number', `<Relationship ${TEMPLATE} TargetMode="&#69;xternal"/>`],
    ['with a prefix', `<r:Relationship ${TEMPLATE} TargetMode="External"/>`],
    ['with a prefix of more than word characters', `<a-b:Relationship ${TEMPLATE} TargetMode="External"/>`],
    ['with a prefix in which a byte looks like a space', `<à:Relationship ${TEMPLATE} TargetMode="External"/>`],
    [
      'with a value that says the opposite',
      `<Relationship Id='TargetMode="Internal"' ${TEMPLATE} TargetMode="&#69;xternal"/>`,
    ],
    ['with a word that is none of the two', `<Relationship ${TEMPLATE} TargetMode="external"/>`],
    ['saying it twice', `<Relationship ${TEMPLATE} TargetMode="Internal" TargetMode="External"/>`],
    ['in a part that is cut off', `<Relationship ${TEMPLATE} TargetMode="External"/`],
  ])('%s', async (_, inside) => {
    expect(await relations(inside)).toBe('active-content');
  });

  it('in a tag that lies across two chunks', async () => {
    const tag = `<Relationship ${' '.repeat(12_000)}${TEMPLATE} TargetMode="External"/>`;
    for (const before of [CHUNK_BYTES - 6_000, CHUNK_BYTES - tag.length + 10, CHUNK_BYTES - 40]) {
      expect(await relations(`${' '.repeat(before)}${tag}${'<a/>'.repeat(CHUNK_BYTES / 4)}`)).toBe('active-content');
    }
  });

  it('in a tag that is too long to be held', async () => {
    const tag = `<Relationship ${' '.repeat(3 * CHUNK_BYTES)}${TEMPLATE} TargetMode="External"/>`;
    expect(await relations(tag)).toBe('type-mismatch');
  });
});

describe('a document with a DDE field is refused', () => {
  it.each([
    ['with another prefix', '<x:instrText>DDEAUTO cmd</x:instrText>'],
    ['without a prefix', '<instrText>DDEAUTO cmd</instrText>'],
    ['with letters written as numbers', '<w:instrText>&#68;&#x44;E cmd</w:instrText>'],
    ['in a CDATA section', '<w:instrText><![CDATA[DDE cmd]]></w:instrText>'],
    ['with a comment in it', '<w:instrText>DD<!-- </w:instrText> -->E cmd</w:instrText>'],
    ['in two pieces with a bracket between', '<w:instrText>DD</w:instrText><w:instrText a=">">E cmd</w:instrText>'],
    [
      'in two pieces with an empty one between',
      '<w:instrText>DD</w:instrText><w:instrText/>\n<w:instrText>E</w:instrText>',
    ],
    ['in a single tag', `<x:fldSimple x:instr='DDE cmd'/>`],
    ['that was deleted', '<w:delInstrText>DDEAUTO cmd</w:delInstrText>'],
  ])('%s', async (_, inside) => {
    expect(await fields(inside)).toBe('active-content');
  });

  it('however it is cut into chunks', async () => {
    const field = '<w:instrText>DD</w:instrText><w:instrText>E cmd</w:instrText>';
    for (let cut = 1; cut < field.length; cut += 1) {
      const filling = CHUNK_BYTES - '<w:document>'.length - cut;
      const document = `<w:document>${'.'.repeat(filling)}${field}</w:document>`;
      const part = { name: 'word/footnotes.xml', data: document, isStored: true };
      expect(await reasonOf({ more: [part] })).toBe('active-content');
    }
  });
});

describe('a document in an encoding in which nothing can be found is refused', () => {
  it.each([
    ['behind a byte order mark', '\u00ef\u00bb\u00bf<?xml version="1.0" encoding="UTF-7"?><a/>'],
    ['behind much space', `<?xml version="1.0"${' '.repeat(400)}encoding="UTF-7"?><a/>`],
    ['behind another word for it', `<?xml version='encoding="utf-8"' encoding="UTF-7"?><a/>`],
    ['without saying so', Buffer.from('4c6fa794934b4b4b', 'hex').toString('latin1')],
  ])('%s', async (_, text) => {
    const part = { name: 'word/styles.xml', data: Buffer.from(text, 'latin1') };
    expect(await reasonOf({ more: [part] })).toBe('type-mismatch');
  });
});

describe('an honest document is taken', () => {
  it.each([
    ['with a link', `<Relationship ${LINK} Target="https://example.com/?a>b&amp;c" TargetMode="External"/>`],
    ['with a link to a page about links', `<Relationship ${LINK} Target="TargetMode.html"/>`],
    ['with a part that says where it is', '<Relationship Type="x/image" Target="a.png" TargetMode="Internal"/>'],
  ])('%s', async (_, inside) => {
    expect(await relations(inside)).toBe('accepted');
  });

  it.each([
    ['with a page number', '<w:instrText xml:space="preserve"> PAGE </w:instrText><w:fldSimple w:instr=" DATE "/>'],
    ['about DDE', '<w:t>DDEAUTO is a field, and TargetMode="External" fetches</w:t>'],
    [
      'with comments and sections elsewhere',
      '<!-- made by hand --><w:t><![CDATA[x]]></w:t><w:instrText>PAGE</w:instrText>',
    ],
    ['with a long text', `<w:t>${'word '.repeat(100_000)}</w:t><w:t>${'x'.repeat(300_000)}</w:t>`],
  ])('%s', async (_, inside) => {
    expect(await fields(inside)).toBe('accepted');
  });

  it('with a byte order mark', async () => {
    const data = Buffer.from(
      '\u00ef\u00bb\u00bf<?xml version="1.0" encoding="utf-8" standalone=\'yes\'?><a/>',
      'latin1',
    );
    expect(await reasonOf({ more: [{ name: 'word/styles.xml', data }] })).toBe('accepted');
  });
});

it('a macro-enabled type is known whatever characters it is written in', async () => {
  expect(
    await reasonOf({
      contentType:
        'application/vnd.ms-word.document.macro&#69;nabled.main+xml"/><Override PartName="/x" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml',
    }),
  ).toBe('macro');
});
