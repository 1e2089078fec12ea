import { oleDocuments, ooxml, pdf, rtf } from '#testing/files/documents.ts';
import { gif, jpeg, png, webp } from '#testing/files/images.ts';
import { zip } from '#testing/files/zip.ts';

const OFFICE = 'application/vnd.openxmlformats-officedocument';

export interface Sample {
  type: string;
  content: Buffer;
}

/** A valid file of every type that is taken by default, and what browsers call it. */
export const samples: Record<string, Sample> = {
  png: { type: 'image/png', content: png() },
  jpg: { type: 'image/jpeg', content: jpeg() },
  jpeg: { type: 'image/jpeg', content: jpeg() },
  gif: { type: 'image/gif', content: gif() },
  webp: { type: 'image/webp', content: webp() },
  pdf: { type: 'application/pdf', content: pdf() },
  txt: { type: 'text/plain', content: Buffer.from('hello\n') },
  csv: { type: 'text/csv', content: Buffer.from('name,count\nnuts,-3\n') },
  log: { type: 'application/octet-stream', content: Buffer.from('12:00 started\n') },
  md: { type: 'text/markdown', content: Buffer.from('# hello\n') },
  json: { type: 'application/json', content: Buffer.from('{"a":[1,-2.5e3,"x\\u00e9",null,true]}\n') },
  docx: { type: `${OFFICE}.wordprocessingml.document`, content: ooxml('docx') },
  xlsx: { type: `${OFFICE}.spreadsheetml.sheet`, content: ooxml('xlsx') },
  pptx: { type: `${OFFICE}.presentationml.presentation`, content: ooxml('pptx') },
  doc: { type: 'application/msword', content: oleDocuments.doc() },
  xls: { type: 'application/vnd.ms-excel', content: oleDocuments.xls() },
  ppt: { type: 'application/vnd.ms-powerpoint', content: oleDocuments.ppt() },
  rtf: { type: 'application/rtf', content: rtf() },
  zip: { type: 'application/zip', content: zip([{ name: 'a.txt', data: 'hello' }]) },
};

export function sample(extension: string): Sample {
  const found = samples[extension];
  if (found === undefined) throw new Error(`there is no sample of ${extension}`);
  return found;
}
