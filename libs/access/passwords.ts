import { hash, parseOptions, verify } from '@node-rs/argon2';
import { availableParallelism } from 'node:os';
import { randomBytes } from 'node:crypto';
import { openHashGate, type HashGate } from '#access/hash-gate.ts';
import type { Keyring, SecretKeys } from '#access/keyring.ts';

/** OWASP password storage cheat sheet, argon2id: m = 19 MiB, t = 2, p = 1. */
export const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** libuv has four threads, shared with DNS and files: one stays free for those. */
const MAX_PERMITS = 3;
const WAITING_PER_PERMIT = 32;

/** A stored password. */
export interface PasswordHash {
  /** PHC string of argon2id. */
  hash: string;
  /** The secret of PASSWORD_PEPPER that it was made with. */
  pepperId: string | null;
}

export interface Passwords {
  make(password: string): Promise<PasswordHash>;
  /** Whether the password is right. Without a stored hash it takes as long, and is never right. */
  isRight(stored: PasswordHash | undefined, password: string): Promise<boolean>;
  /** Whether the hash was made with weaker parameters or another pepper than are in force. */
  isOutdated(stored: PasswordHash): boolean;
  readonly gate: HashGate;
}

/**
 * Hashes with argon2id, verified as typed but for NFC (NIST SP 800-63B-4 §3.1.1.2), at most as many at once as there are
 * cores.
 */
export async function openPasswords(pepper: Keyring | undefined, gate = openHashGate(gateSize())): Promise<Passwords> {
  const make = async (password: string): Promise<PasswordHash> => ({
    hash: await gate.run(() => hash(bytesOf(password), optionsOf(pepper?.first))),
    pepperId: pepper?.first.id ?? null,
  });
  const dummy = await make(randomBytes(32).toString('base64url'));
  return {
    gate,
    make,
    async isRight(stored, password) {
      // A pepper that is configured no longer makes its hashes unusable, not unsafe.
      const usable = stored !== undefined && (stored.pepperId === null || pepper?.byId(stored.pepperId) !== undefined);
      const checked = usable ? stored : dummy;
      const keys = checked.pepperId === null ? undefined : pepper?.byId(checked.pepperId);
      const right = await gate.run(() => verify(checked.hash, bytesOf(password), optionsOf(keys)));
      return right && usable;
    },
    isOutdated(stored) {
      const { memoryCost, timeCost, parallelism } = parseOptions(stored.hash);
      return (
        memoryCost < ARGON2.memoryCost ||
        timeCost < ARGON2.timeCost ||
        parallelism !== ARGON2.parallelism ||
        stored.pepperId !== (pepper?.first.id ?? null)
      );
    },
  };
}

function optionsOf(pepper: SecretKeys | undefined) {
  return pepper === undefined ? ARGON2 : { ...ARGON2, secret: pepper.key('pepper') };
}

function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8');
}

function gateSize(): { permits: number; maxWaiting: number } {
  const permits = Math.min(availableParallelism(), MAX_PERMITS);
  return { permits, maxWaiting: permits * WAITING_PER_PERMIT };
}
