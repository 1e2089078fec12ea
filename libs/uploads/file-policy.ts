import type { FileType } from '#uploads/file-kind.ts';

/** What may be uploaded: extension, in lower case and without its dot, to type. */
export type FilePolicy = ReadonlyMap<string, FileType>;

const PLAIN_TEXT = 'text/plain; charset=utf-8';
const OFFICE = 'application/vnd.openxmlformats-officedocument';

function text(...declared: string[]): FileType {
  return { kind: 'text', declared: ['text/plain', ...declared], detected: [], served: PLAIN_TEXT };
}

function image(kind: 'png' | 'jpeg' | 'gif' | 'webp', detected: string[], ...aliases: string[]): FileType {
  const served = `image/${kind}`;
  return { kind, declared: [served, ...aliases], detected, served };
}

function ooxml(extension: string, name: string): FileType {
  const served = `${OFFICE}.${name}`;
  // file-type says zip where it meets the parts in an order that it doesn't expect; the structure decides then.
  return { kind: 'ooxml', declared: [served], detected: [extension, 'zip'], served };
}

function ole(served: string): FileType {
  return { kind: 'ole', declared: [served], detected: ['cfb'], served };
}

const jpeg = image('jpeg', ['jpg'], 'image/jpg', 'image/pjpeg');

/** The types that are taken by default. */
export const defaultPolicy: FilePolicy = new Map<string, FileType>([
  ['png', image('png', ['png', 'apng'])],
  ['jpg', jpeg],
  ['jpeg', jpeg],
  ['gif', image('gif', ['gif'])],
  ['webp', image('webp', ['webp'])],
  ['pdf', { kind: 'pdf', declared: ['application/pdf'], detected: ['pdf'], served: 'application/pdf' }],
  ['txt', text()],
  // Windows with Excel calls every csv file a spreadsheet.
  ['csv', { ...text('text/csv', 'application/csv', 'application/vnd.ms-excel'), kind: 'csv' }],
  ['log', text('text/x-log')],
  ['md', text('text/markdown', 'text/x-markdown')],
  ['json', { ...text('application/json', 'text/json'), kind: 'json' }],
  ['docx', ooxml('docx', 'wordprocessingml.document')],
  ['xlsx', ooxml('xlsx', 'spreadsheetml.sheet')],
  ['pptx', ooxml('pptx', 'presentationml.presentation')],
  ['doc', ole('application/msword')],
  ['xls', ole('application/vnd.ms-excel')],
  ['ppt', ole('application/vnd.ms-powerpoint')],
  [
    'rtf',
    {
      kind: 'rtf',
      declared: ['application/rtf', 'text/rtf', 'application/msword'],
      detected: ['rtf'],
      served: 'application/rtf',
    },
  ],
  [
    'zip',
    {
      kind: 'zip',
      declared: ['application/zip', 'application/x-zip-compressed'],
      detected: ['zip'],
      served: 'application/zip',
    },
  ],
]);

/** Whether what a client called the file goes with its extension. */
export function agreesWithDeclared(type: FileType, declared: string | undefined): boolean {
  if (declared === undefined || declared === 'application/octet-stream') return true;
  return type.kind === 'any' || type.declared.includes(declared);
}

/** Whether a raw body of this Content-Type can be an upload at all. */
export function isTakenRaw(policy: FilePolicy, contentType: string): boolean {
  if (contentType === 'application/octet-stream') return true;
  return [...policy.values()].some((type) => type.kind === 'any' || type.declared.includes(contentType));
}
