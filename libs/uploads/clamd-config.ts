/** clamd's limits as this project pins them. Ours (inspection-limits.ts) lie below: what we accept, clamd really reads. */
export const clamdLimits = {
  streamMiB: 60,
  fileMiB: 60,
  scanMiB: 200,
  files: 2_000,
  depth: 12,
  scanMs: 60_000,
} as const;

export interface ClamdConfig {
  socketPath: string;
  databaseDir: string;
  temporaryDir: string;
  threads: number;
  /** Keys that the test signatures have nothing for are off. */
  isOfficial: boolean;
}

/** The text of a clamd.conf. Every key is known to clamd 1.4. */
export function clamdConfig({ socketPath, databaseDir, temporaryDir, threads, isOfficial }: ClamdConfig): string {
  const official = isOfficial ? 'yes' : 'no';
  const settings: Record<string, string | number> = {
    Foreground: 'yes',
    LogTime: 'yes',
    TemporaryDirectory: temporaryDir,
    DatabaseDirectory: databaseDir,
    LocalSocket: socketPath,
    LocalSocketMode: 600,
    FixStaleSocket: 'yes',
    MaxThreads: threads,
    MaxQueue: threads * 4,
    MaxConnectionQueueLength: 30,
    ReadTimeout: 120,
    CommandReadTimeout: 10,
    SendBufTimeout: 200,
    IdleTimeout: 30,
    StreamMaxLength: `${clamdLimits.streamMiB}M`,
    MaxFileSize: `${clamdLimits.fileMiB}M`,
    MaxScanSize: `${clamdLimits.scanMiB}M`,
    MaxFiles: clamdLimits.files,
    MaxRecursion: clamdLimits.depth,
    MaxScanTime: clamdLimits.scanMs,
    AlertExceedsMax: 'yes',
    AlertEncrypted: 'yes',
    AlertOLE2Macros: 'yes',
    // Below 1.5 the cache of clean files is keyed by MD5: a benign file would whitewash a colliding one.
    DisableCache: 'yes',
    ConcurrentDatabaseReload: 'yes',
    SelfCheck: 600,
    ExitOnOOM: 'yes',
    Bytecode: official,
    PhishingSignatures: official,
    PhishingScanURLs: 'no',
    FollowFileSymlinks: 'no',
    FollowDirectorySymlinks: 'no',
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');
}
