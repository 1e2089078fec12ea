import type { ArchiveContext } from '#uploads/inspect/archive-context.ts';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';
import { openXmlCheck } from '#uploads/inspect/xml-part.ts';
import { decodeReferences } from '#uploads/inspect/xml-tag.ts';
import { readZipDirectory, type ZipEntry } from '#uploads/inspect/zip-directory.ts';
import { unpackZipMember } from '#uploads/inspect/zip-member.ts';

const CONTENT_TYPES = '[Content_Types].xml';
const MAX_CONTENT_TYPES_BYTES = 1024 * 1024;

/** How [Content_Types].xml names the main part of each kind of document. */
const mainParts: Record<string, RegExp> = {
  docx: /wordprocessingml\.document\.main\+xml/,
  xlsx: /spreadsheetml\.sheet\.main\+xml/,
  pptx: /presentationml\.(?:presentation|slideshow)\.main\+xml/,
};

const MACRO_PART = /(?:^|\/)vba(?:Project|Data)[^/]*\.(?:bin|xml)$|(?:^|\/)macrosheets\//i;
const ACTIVE_PART = /(?:^|\/)(?:embeddings\/[^/]*\.bin|activeX\/|externalLinks\/|oleObject[^/]*\.bin|customUI\/)/i;
const XML_PART = /\.(?:xml|rels|vml)$/i;
const NESTED_PART = /(?:^|\/)embeddings\//i;

export function isOoxmlDirectory(entries: readonly ZipEntry[]): boolean {
  return entries.some(({ name }) => name === CONTENT_TYPES);
}

/**
 * Office Open XML (ECMA-376): a document of the kind that its extension says, or of any if that is undefined; without
 * macros, embedded objects, DTDs, DDE fields and parts that are fetched from elsewhere.
 */
export async function inspectOoxml(
  bytes: FileBytes,
  extension: string | undefined,
  context: ArchiveContext,
  depth = 1,
): Promise<void> {
  const entries = readZipDirectory(bytes);
  const contentTypes = entries.find(({ name }) => name === CONTENT_TYPES);
  if (contentTypes === undefined) throw mismatch('no list of content types inside');
  for (const { name } of entries) requireHarmlessPart(name);
  for (const entry of entries) {
    context.budget.addEntry();
    if (entry === contentTypes) requireKind(await readText(bytes, entry, context), extension);
    else if (XML_PART.test(entry.name)) await inspectXml(bytes, entry, context);
    else await inspectPart(bytes, entry, context, depth);
  }
}

function requireHarmlessPart(name: string): void {
  if (MACRO_PART.test(name)) throw new Refusal('macro', 'a document with a VBA project');
  if (ACTIVE_PART.test(name)) throw new Refusal('active-content', 'a document with an embedded or linked object');
}

function requireKind(contentTypes: string, extension: string | undefined): void {
  if (/macroEnabled|vbaProject|macrosheet/i.test(contentTypes)) throw new Refusal('macro', 'a macro-enabled document');
  const wanted = extension === undefined ? Object.values(mainParts) : [mainParts[extension] ?? /(?!)/];
  if (!wanted.some((pattern) => pattern.test(contentTypes)))
    throw mismatch(`no ${extension ?? 'office'} document inside`);
}

async function readText(bytes: FileBytes, entry: ZipEntry, context: ArchiveContext): Promise<string> {
  if (entry.sizeBytes > MAX_CONTENT_TYPES_BYTES)
    throw new Refusal('archive-limits', 'too long a list of content types');
  const check = openXmlCheck();
  let text = '';
  for await (const chunk of unpackZipMember(bytes, entry, context.budget)) {
    check.push(chunk);
    text += chunk.toString('latin1');
  }
  check.end();
  return decodeReferences(text);
}

async function inspectXml(bytes: FileBytes, entry: ZipEntry, context: ArchiveContext): Promise<void> {
  const check = openXmlCheck();
  for await (const chunk of unpackZipMember(bytes, entry, context.budget)) check.push(chunk);
  if (entry.sizeBytes > 0) check.end();
}

/** Pictures and the like are only unpacked; documents in documents are looked into. */
async function inspectPart(bytes: FileBytes, entry: ZipEntry, context: ArchiveContext, depth: number): Promise<void> {
  const content = unpackZipMember(bytes, entry, context.budget);
  const inner = NESTED_PART.test(entry.name) ? context : { ...context, defer: () => undefined };
  await context.inspectMember(entry.name, content, inner, depth, entry.isDirectory);
}
