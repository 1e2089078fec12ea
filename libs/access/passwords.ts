import { parseOptions } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { openAnswerFloor, type AnswerFloor } from '#access/answer-floor.ts';
import { openHashGate, type HashGate } from '#access/hash-gate.ts';
import { openHashThreads } from '#access/hash-threads.ts';
import { isBcrypt } from '#access/imported-hash.ts';
import type { Keyring, SecretKeys } from '#access/keyring.ts';

/** OWASP password storage cheat sheet, argon2id: m = 19 MiB, t = 2, p = 1. */
export const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** How every hash begins that we make. */
const CURRENT = '$argon2id$v=19$';
const OWN = `${CURRENT}m=${ARGON2.memoryCost},t=${ARGON2.timeCost},p=${ARGON2.parallelism}$`;

const WAITING_PER_PERMIT = 32;

/** A stored password. */
export interface PasswordHash {
  /** PHC string of argon2id; that of an imported account may be any that faultOfHash lets pass, until the first sign-in. */
  hash: string;
  /** The secret of PASSWORD_PEPPER that it was made with. */
  pepperId: string | null;
}

export interface Passwords {
  make(password: string): Promise<PasswordHash>;
  /** Whether the password is right. Without a stored hash, or with an imported one, it takes as long. */
  isRight(stored: PasswordHash | undefined, password: string): Promise<boolean>;
  /** Whether the hash was made in another way, with weaker parameters or another pepper than are in force. */
  isOutdated(stored: PasswordHash): boolean;
  readonly gate: HashGate;
  close(): Promise<void>;
}

/**
 * Hashes with argon2id, verified as typed but for NFC (NIST SP 800-63B-4 §3.1.1.2), at most as many at once as there are
 * cores, and one less while others wait.
 */
export async function openPasswords(
  pepper: Keyring | undefined,
  floor: AnswerFloor = openAnswerFloor(),
): Promise<Passwords> {
  const permits = availableParallelism();
  const gate = openHashGate({
    permits,
    permitsInCrowd: Math.max(1, permits - 1),
    maxWaiting: permits * WAITING_PER_PERMIT,
  });
  const threads = openHashThreads();
  const make = async (text: string): Promise<PasswordHash> => {
    const task = { kind: 'make', password: bytesOf(text), options: optionsOf(pepper?.first) } as const;
    const { result } = await gate.run(() => threads.run(task));
    return { hash: String(result), pepperId: pepper?.first.id ?? null };
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
      const { result, tookMs } = await gate.run(() => threads.run(task));
      floor.note(hash.startsWith(OWN) ? 'own' : 'foreign', tookMs);
      // Without the permit: only who asked waits.
      if (tookMs < floor.ms) await setTimeout(floor.ms - tookMs);
      return result === true && usable && !isBeyondBcrypt(hash, text);
    },
    isOutdated(stored) {
      if (!stored.hash.startsWith(CURRENT)) return true;
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

/** bcrypt repeats a password with a null character behind it, so that `ab` and `ab\0ab` have the same hash. */
function isBeyondBcrypt(hash: string, password: string): boolean {
  return isBcrypt(hash) && password.includes('\0');
}

function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8');
}
