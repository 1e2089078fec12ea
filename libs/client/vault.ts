import type { Grant } from './grant.ts';

/** `localStorage`, `sessionStorage`, or anything of their shape. */
export interface TokenStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Where a grant is kept. */
export interface Vault {
  read(): Grant | undefined;
  write(grant: Grant | undefined): void;
}

export function openMemoryVault(): Vault {
  let kept: Grant | undefined;
  return {
    read: () => kept,
    write(grant) {
      kept = grant;
    },
  };
}

/** Shared by every tab that has the same storage; what can't be stored is kept in memory. */
export function openStorageVault(storage: TokenStorage, key: string): Vault {
  const memory = openMemoryVault();
  let isBroken = false;
  return {
    read() {
      if (isBroken) return memory.read();
      try {
        const text = storage.getItem(key);
        return text === null ? undefined : (JSON.parse(text) as Grant);
      } catch {
        return undefined;
      }
    },
    write(grant) {
      memory.write(grant);
      try {
        if (grant === undefined) storage.removeItem(key);
        else storage.setItem(key, JSON.stringify(grant));
        isBroken = false;
      } catch {
        isBroken = true;
      }
    },
  };
}
