import { verificationOf, type FileType, type Kind } from '#uploads/file-kind.ts';
import { agreesWithDeclared, type FilePolicy } from '#uploads/file-policy.ts';
import { inspectGzip, inspectTar, inspectZip, openArchiveContext } from '#uploads/inspect/archive.ts';
import type { ArchiveContext } from '#uploads/inspect/archive-context.ts';
import { inspectAvif } from '#uploads/inspect/avif.ts';
import { inspectBzip2 } from '#uploads/inspect/bzip2.ts';
import { inspectCsv } from '#uploads/inspect/csv.ts';
import { detectType } from '#uploads/inspect/detect-type.ts';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectGif } from '#uploads/inspect/gif.ts';
import { inspectJpeg } from '#uploads/inspect/jpeg.ts';
import { inspectJson } from '#uploads/inspect/json.ts';
import { inspectOle, isOle, requireNotEncryptedPackage } from '#uploads/inspect/ole.ts';
import { inspectOoxml } from '#uploads/inspect/ooxml.ts';
import { inspectPdf } from '#uploads/inspect/pdf.ts';
import { inspectPng } from '#uploads/inspect/png.ts';
import { mismatch, Refusal, type RefusalReason } from '#uploads/inspect/refusal.ts';
import { inspectRtf } from '#uploads/inspect/rtf.ts';
import { inspectText } from '#uploads/inspect/text.ts';
import { inspectWebp } from '#uploads/inspect/webp.ts';
import { inspectXz } from '#uploads/inspect/xz.ts';
import { endOfZip } from '#uploads/inspect/zip-directory.ts';
import type { Verification, Warning } from '#uploads/status.ts';

export interface Claim {
  extension: string;
  declaredType: string | undefined;
}

export interface Refused {
  status: 'rejected' | 'unscannable';
  reason: RefusalReason;
  detail: string;
}

export type Inspection =
  | {
      kind: 'accepted';
      servedType: string;
      verification: Verification;
      warnings: Warning[];
      /** To be said if the scanner finds nothing. */
      deferred: Refused | undefined;
    }
  | ({ kind: 'refused' } & Refused);

/** Holds a file against what its name and its sender say it is, and against every limit, before the scanner is asked. */
export async function inspectFile(bytes: FileBytes, claim: Claim, policy: FilePolicy): Promise<Inspection> {
  let deferred: Refusal | undefined;
  try {
    const type = policy.get(claim.extension);
    if (type === undefined) throw mismatch('the policy does not have this type');
    if (!agreesWithDeclared(type, claim.declaredType)) throw mismatch('its sender calls it something else');
    await requireDetected(bytes, type);
    const context = openArchiveContext(policy, (refusal) => {
      deferred ??= refusal;
    });
    const warnings = await inspectors[type.kind](bytes, claim.extension, context);
    return {
      kind: 'accepted',
      servedType: type.served,
      verification: verificationOf[type.kind],
      warnings: warnings ?? [],
      deferred: deferred === undefined ? undefined : refusedBy(deferred),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { kind: 'refused', ...refusedBy(error) };
  }
}

function refusedBy({ status, reason, detail }: Refusal): Refused {
  return { status, reason, detail };
}

type Inspector = (
  bytes: FileBytes,
  extension: string,
  context: ArchiveContext,
) => Warning[] | void | Promise<Warning[] | void>;

const inspectors: Record<Kind, Inspector> = {
  png: inspectPng,
  jpeg: inspectJpeg,
  gif: inspectGif,
  webp: inspectWebp,
  avif: inspectAvif,
  pdf: inspectPdf,
  text: (bytes) => inspectText(bytes),
  csv: (bytes) => (inspectCsv(bytes) ? ['csv-formula'] : []),
  json: inspectJson,
  rtf: inspectRtf,
  ole: inspectOle,
  ooxml: inspectOoxml,
  zip: (bytes, _extension, context) => inspectZip(bytes, context),
  gzip: (bytes, _extension, context) => inspectGzip(bytes, context),
  tar: (bytes, _extension, context) => inspectTar(toAsync(bytes), context),
  xz: (bytes, _extension, { budget }) => inspectXz(bytes, budget),
  bzip2: (bytes, _extension, { budget }) => inspectBzip2(bytes, budget),
  opaque: () => undefined,
  any: () => undefined,
};

const MACRO_TYPES = new Set(['docm', 'dotm', 'xlsm', 'xltm', 'pptm', 'potm', 'ppsm']);

/** Declared type and extension agree already; the first bytes must agree with both, and no second file hang behind. */
async function requireDetected(bytes: FileBytes, type: FileType): Promise<void> {
  if (type.kind === 'any') return;
  const isZipKind = type.kind === 'zip' || type.kind === 'ooxml';
  const detected = await detectType(bytes);
  const isExpected = detected === undefined ? type.detected.length === 0 : type.detected.includes(detected);
  if (!isZipKind && type.kind !== 'opaque' && endOfZip(bytes) !== undefined) throw mismatch('an archive behind it');
  if (isExpected) return;
  if (type.kind === 'ooxml' && detected !== undefined && MACRO_TYPES.has(detected)) {
    throw new Refusal('macro', `its content is ${detected}`);
  }
  if (type.kind === 'ooxml' && isOle(bytes.read(0, 8))) requireNotEncryptedPackage(bytes);
  if (isZipKind && endOfZip(bytes) !== undefined && detected === undefined) {
    throw new Refusal('archive-malformed', 'bytes before the archive');
  }
  throw mismatch(`its content is ${detected ?? 'of no known type'}`);
}

async function* toAsync(bytes: FileBytes): AsyncGenerator<Buffer> {
  yield* bytes.chunks();
}
