export function withLock<T>(path: string, work: () => Promise<T>, onWait: (holder: number) => void): Promise<T>;
/** Takes the lock, to be released by removing the file, or says which process has it. */
export function takeLock(path: string): number | undefined;
