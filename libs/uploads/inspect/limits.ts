const MIB = 1024 * 1024;

/** What is taken at most. Each lies below clamd's own limit (clamd-config.ts), past which clamd reads no further. */
export const inspectionLimits = {
  entries: 1_000,
  /** An archive in an archive has depth 2. */
  depth: 3,
  memberBytes: 50 * MIB,
  unpackedBytes: 150 * MIB,
  /** Of unpacked to packed size; smaller members than `ratioFloorBytes` can do no harm. */
  ratio: 200,
  ratioFloorBytes: MIB,
  /** Of all frames of one image together. */
  pixels: 50_000_000,
  frames: 2_000,
  jpegScans: 100,
  /** Of the texts and profiles that are packed inside a PNG. */
  imageTextBytes: 4 * MIB,
  jsonDepth: 200,
} as const;
