import { parseOptions } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { openHashGate, type HashGate } from '#access/hash-gate.ts';
import { openHashThreads } from '#access/hash-threads.ts';
import type { Keyring, SecretKeys } from '#access/keyring.ts';

/** OWASP password storage cheat sheet, argon2id: m = 19 MiB, t = 2, p = 1. */
export const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

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
  close(): Promise<void>;
}

/**
 * Hashes with argon2id, verified as typed but for NFC (NIST SP 800-63B-4 §3.1.1.2), at most as many at once as there are
 * cores.
 */
export async function openPasswords(pepper: Keyring | undefined): Promise<Passwords> {
  const permits = availableParallelism();
  const gate = openHashGate({ permits, maxWaiting: permits * WAITING_PER_PERMIT });
  const threads = openHashThreads();
  const make = async (text: string): Promise<PasswordHash> => {
    const task = { kind: 'make', password: bytesOf(text), options: optionsOf(pepper?.first) } as const;
    return { hash: String(await gate.run(() => threads.run(task))), pepperId: pepper?.first.id ?? null };
  };
  const dummy = await make(randomBytes(32).toString('base64url'));
  return {
    gate,
    make,
    async isRight(stored, text) {
      // A pepper that is configured no longer makes its hashes unusable, not unsafe.
      const usable = stored !== undefined && (stored.pepperId === null || pepper?.byId(stored.pepperId) !== undefined);
      const { hash, pepperId } = usable ? stored : dummy;
      const options = optionsOf(pepperId === null ? undefined : pepper?.byId(pepperId));
      const task = { kind: 'check', hash, password: bytesOf(text), options } as const;
      return (await gate.run(() => threads.run(task))) === true && usable;
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
    close: () => threads.close(),
  };
}

function optionsOf(pepper: SecretKeys | undefined) {
  return pepper === undefined ? ARGON2 : { ...ARGON2, secret: pepper.key('pepper') };
}

function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8');
}
