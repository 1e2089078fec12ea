import { importJWK, type CryptoKey, type JWK } from 'jose';
import { setTimeout } from 'node:timers/promises';
import { databaseFailure } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { soon, type Soon } from '#runtime/soon.ts';
import { BoundedMap } from '#access/bounded-map.ts';
import type { AccessContext } from '#access/context.ts';
import { ALGORITHM, ensureSigningKey } from '#access/rotate-signing-key.ts';
import { openPrivateKey } from '#access/sealed-key.ts';

export interface SigningKeys {
  /** The key that signs now. */
  current(): Promise<{ kid: string; privateKey: CryptoKey }>;
  /** The key to verify with, or undefined if there is none that still verifies. */
  byId(kid: string): Promise<CryptoKey | undefined>;
  /** Whether a key still verifies, for tokens that were verified before. */
  verifies(kid: string): Soon<boolean>;
  /** What is published at /.well-known/jwks.json, future keys included. */
  published(): Promise<JWK[]>;
}

/** Retirement is in force everywhere after this time at the latest. */
const MAX_AGE_MS = 750;
/** Kids that nobody knows wait for a shared read: they cause four a second at most. */
const MIN_MS_BETWEEN_LOOKUPS = 250;
const MAX_UNKNOWN = 10_000;
/** How often a process asks whether a new key is due. */
const ENSURE_EVERY_MS = 60_000;

const READ = `
  select id, public_key, sealed_private_key, secret_id, signs_from <= now() as signs
  from signing_key
  where retired_at is null and (verifies_until is null or now() < verifies_until)
  order by signs_from desc, created_at desc, id`;

interface KeyRow {
  id: string;
  public_key: JWK;
  sealed_private_key: Buffer;
  secret_id: string;
  signs: boolean;
}

interface KnownKey {
  publicJwk: JWK;
  publicKey: CryptoKey;
  privateKey: CryptoKey | undefined;
}

interface Ring {
  readAtMs: number;
  /** A Map, so that a kid such as `__proto__` is just an unknown kid. */
  keys: Map<string, KnownKey>;
  signing: { kid: string; privateKey: CryptoKey } | undefined;
}

type KeysContext = Pick<AccessContext, 'pool' | 'keys' | 'record'>;

export function openSigningKeys(context: KeysContext, now: () => number = () => performance.now()): SigningKeys {
  const unknown = new BoundedMap<string, true>(MAX_UNKNOWN);
  let ring: Ring | undefined;
  let reading: Promise<Ring> | undefined;
  let ensuredAtMs = -Infinity;

  async function read(): Promise<Ring> {
    const readAtMs = now();
    if (readAtMs - ensuredAtMs > ENSURE_EVERY_MS) {
      await ensureSigningKey(context);
      ensuredAtMs = readAtMs;
    }
    const { rows } = await context.pool.query<KeyRow>({ name: 'signing-keys', text: READ });
    ring = await ringOf(context, rows, readAtMs, ring);
    return ring;
  }

  function readOnce(): Promise<Ring> {
    reading ??= read()
      .catch((error: unknown) => {
        throw databaseFailure(error);
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  function fresh(): Soon<Ring> {
    return ring !== undefined && now() - ring.readAtMs < MAX_AGE_MS ? ring : readOnce();
  }

  async function keyOf(kid: string): Promise<KnownKey | undefined> {
    const known = await fresh();
    const key = known.keys.get(kid);
    if (key !== undefined || unknown.get(kid) === true) return key;
    // Another process may have made a key that signs at once.
    const waitMs = MIN_MS_BETWEEN_LOOKUPS - (now() - known.readAtMs);
    if (waitMs > 0) await setTimeout(waitMs);
    const found = (await readOnce()).keys.get(kid);
    if (found === undefined) unknown.set(kid, true);
    return found;
  }

  return {
    async current() {
      const { signing } = await fresh();
      if (signing === undefined) {
        ensuredAtMs = -Infinity;
        throw new Failure('not-ready', { detail: 'no signing key can be opened' });
      }
      return signing;
    },
    async byId(kid) {
      return (await keyOf(kid))?.publicKey;
    },
    verifies: (kid) => soon(fresh(), ({ keys }) => keys.has(kid)),
    async published() {
      return [...(await fresh()).keys.values()].map((key) => key.publicJwk);
    },
  };
}

async function ringOf(
  context: KeysContext,
  rows: readonly KeyRow[],
  readAtMs: number,
  last: Ring | undefined,
): Promise<Ring> {
  const keys = new Map<string, KnownKey>();
  let signing: Ring['signing'];
  for (const row of rows) {
    const known = last?.keys.get(row.id);
    const key = known?.privateKey === undefined ? await keyOfRow(context, row) : known;
    keys.set(row.id, key);
    if (signing === undefined && row.signs && key.privateKey !== undefined) {
      signing = { kid: row.id, privateKey: key.privateKey };
    }
  }
  return { readAtMs, keys, signing };
}

async function keyOfRow(context: KeysContext, row: KeyRow): Promise<KnownKey> {
  const secret = context.keys.byId(row.secret_id);
  return {
    publicJwk: { ...row.public_key, kid: row.id, alg: ALGORITHM, use: 'sig' },
    publicKey: (await importJWK(row.public_key, ALGORITHM)) as CryptoKey,
    privateKey:
      secret === undefined
        ? undefined
        : ((await importJWK(openPrivateKey(secret, row.id, row.sealed_private_key), ALGORITHM)) as CryptoKey),
  };
}
