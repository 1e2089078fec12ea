import type { Verification } from '#uploads/status.ts';

/** The form that a file's bytes are held against. */
export type Kind =
  | 'png'
  | 'jpeg'
  | 'gif'
  | 'webp'
  | 'avif'
  | 'pdf'
  | 'text'
  | 'csv'
  | 'json'
  | 'rtf'
  | 'ole'
  | 'ooxml'
  | 'zip'
  | 'gzip'
  | 'tar'
  | 'bzip2'
  | 'xz'
  /** No structure is known: first bytes and the scanner decide. */
  | 'opaque'
  /** Whatever it is: only the scanner decides. */
  | 'any';

/** One type that may be uploaded, known by its extension. */
export interface FileType {
  kind: Kind;
  /** What a client may call it. `application/octet-stream` and no type at all claim nothing. */
  declared: readonly string[];
  /** What file-type may find in its first bytes; empty: it must find nothing. */
  detected: readonly string[];
  /** The Content-Type it is served with. */
  served: string;
}

export const verificationOf: Record<Kind, Verification> = {
  png: 'structure',
  jpeg: 'structure',
  gif: 'structure',
  webp: 'structure',
  avif: 'magic',
  pdf: 'structure',
  text: 'text-heuristic',
  csv: 'text-heuristic',
  json: 'structure',
  rtf: 'structure',
  ole: 'structure',
  ooxml: 'structure',
  zip: 'structure',
  gzip: 'structure',
  tar: 'structure',
  bzip2: 'magic',
  xz: 'magic',
  opaque: 'magic',
  any: 'magic',
};
