/** Of 2^cost rounds. A check at 14 takes about a second; one at 15 takes longer than a person waits, and holds a core as long. */
const BCRYPT_COST = { min: 4, max: 14 } as const;
/** Each check that runs takes this much memory, and there are as many at once as cores. */
const ARGON2_MAX_MEMORY_KIB = 131_072;
/** Memory times passes: half a GiB to be filled, which takes about a second. */
const ARGON2_MAX_WORK_KIB = 524_288;
const ARGON2_MAX_LANES = 16;
/** A shorter one could be met by another password. */
const MIN_OUTPUT_BYTES = 16;
const MAX_OUTPUT_BYTES = 128;
/** RFC 9106 §3.1; the library takes no more than 64. */
const SALT_BYTES = { min: 8, max: 64 } as const;

/** Of 128 bit of salt and 184 bit of hash; what the last characters have beyond that must be zero. */
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;
/** PHC string without key id and data; without a version it is the one of before 2015 (16). */
const ARGON2 =
  /^\$(argon2(?:id|i|d))\$(?:v=(?:16|19)\$)?m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{1,200})\$([A-Za-z0-9+/]{1,200})$/;

export const isBcrypt = (hash: string): boolean => hash.startsWith('$2');

/** `bcrypt`, `argon2id`, `argon2i` or `argon2d`. */
export function schemeOf(hash: string): string {
  return isBcrypt(hash) ? 'bcrypt' : (ARGON2.exec(hash)?.[1] ?? 'unknown');
}

/**
 * Why a hash that another application made can't be taken over, or undefined. Its costs are bounded, because whoever tries
 * a password makes this system pay them. Tells nothing of the hash itself.
 */
export function faultOfHash(hash: string): string | undefined {
  const bcrypt = BCRYPT.exec(hash);
  if (bcrypt !== null) return faultOfBcrypt(Number(bcrypt[1]));
  const argon2 = ARGON2.exec(hash);
  if (argon2 !== null) {
    const [, , memoryKib, passes, lanes, salt = '', output = ''] = argon2;
    return (
      faultOfArgon2({ memoryKib: Number(memoryKib), passes: Number(passes), lanes: Number(lanes) }) ??
      faultOfBytes('salt', salt, SALT_BYTES) ??
      faultOfBytes('hash', output, { min: MIN_OUTPUT_BYTES, max: MAX_OUTPUT_BYTES })
    );
  }
  return 'is neither bcrypt ($2a$, $2b$ or $2y$) nor an argon2 string ($argon2id$, $argon2i$ or $argon2d$)';
}

function faultOfBcrypt(cost: number): string | undefined {
  const { min, max } = BCRYPT_COST;
  return cost < min || cost > max ? `has a bcrypt cost of ${cost}: ${min} to ${max} are taken` : undefined;
}

function faultOfArgon2(costs: { memoryKib: number; passes: number; lanes: number }): string | undefined {
  const { memoryKib, passes, lanes } = costs;
  if (lanes > ARGON2_MAX_LANES) return `has ${lanes} argon2 lanes: at most ${ARGON2_MAX_LANES} are taken`;
  if (memoryKib < 8 * lanes) return 'has less argon2 memory than its lanes need (RFC 9106 §3.1)';
  if (memoryKib > ARGON2_MAX_MEMORY_KIB) {
    return `needs ${memoryKib} KiB of argon2 memory: at most ${ARGON2_MAX_MEMORY_KIB} are taken`;
  }
  return memoryKib * passes > ARGON2_MAX_WORK_KIB
    ? `makes ${passes} argon2 passes over ${memoryKib} KiB: at most ${ARGON2_MAX_WORK_KIB} KiB in all are taken`
    : undefined;
}

function faultOfBytes(name: string, text: string, { min, max }: { min: number; max: number }): string | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== text) return `has an argon2 ${name} that is no base64`;
  if (bytes.length >= min && bytes.length <= max) return undefined;
  return `has an argon2 ${name} of ${bytes.length} bytes: ${min} to ${max} are taken`;
}
