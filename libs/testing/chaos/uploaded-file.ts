import { eicar, MARKER } from '#uploads/test-signatures.ts';
import { zip } from '#testing/files/zip.ts';

/** What becomes of a file is what it is called. */
export type FileKind = 'clean' | 'infected' | 'unscannable';

export interface UploadedFile {
  name: string;
  type: string;
  content: Buffer;
}

const ENCRYPTED = 0x0801;

const text = (name: string, content: Buffer | string): UploadedFile => ({
  name: `${name}.txt`,
  type: 'text/plain',
  content: Buffer.from(content as string),
});
const archive = (name: string, data: Buffer | string, flags?: number): UploadedFile => ({
  name: `${name}.zip`,
  type: 'application/zip',
  content: zip([{ name: 'a.txt', data, ...(flags === undefined ? {} : { flags }) }]),
});

const FORMS: Record<FileKind, readonly ((key: string) => UploadedFile)[]> = {
  clean: [
    (key) => text(key, `${key}\n`.repeat(500)),
    (key) => archive(key, key),
    (key) => ({ name: `${key}.json`, type: 'application/json', content: Buffer.from(JSON.stringify({ key })) }),
  ],
  infected: [
    (key) => text(key, Buffer.concat([eicar(), Buffer.from(`\n${key}\n`)])),
    (key) => archive(key, Buffer.concat([eicar(), Buffer.from(`\n${key}\n`)])),
    (key) => text(key, `${key}\n${MARKER}\n`),
  ],
  unscannable: [(key) => archive(key, key, ENCRYPTED)],
};

/** The same file for the same arguments, and no other file like it. */
export function fileOf(kind: FileKind, n: number, key: string): UploadedFile {
  const forms = FORMS[kind];
  const form = forms[n % forms.length] as (key: string) => UploadedFile;
  return form(key);
}
