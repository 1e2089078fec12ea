import type { ScanSource } from '#uploads/scanner.ts';
import type { Storage, StoredBytes, Zone } from '#uploads/storage.ts';

export function scanSourceOf(file: StoredBytes, upload: { sizeBytes: number; sha256: Buffer }): ScanSource {
  return {
    sizeBytes: upload.sizeBytes,
    sha256: upload.sha256,
    async *read() {
      yield* await file.readFleeting();
    },
  };
}

/** Whether the stored file is there and is the one that came in. */
export async function hasDigest(storage: Storage, zone: Zone, name: string, sha256: Buffer): Promise<boolean> {
  const file = await storage.open(zone, name);
  if (file === undefined) return false;
  try {
    return (await file.digest()).equals(sha256);
  } finally {
    await file.close();
  }
}
