import { hkdfSync } from 'node:crypto';

/** What a derived key is for. No two purposes share a key. */
export type KeyPurpose =
  | 'refresh-token'
  | 'sealed-successor'
  | 'device'
  | 'device-cookie'
  | 'account'
  | 'signing-key'
  | 'csrf'
  | 'pepper';

/** The keys that come from one secret. */
export interface SecretKeys {
  /** Names the secret without telling anything of it. */
  readonly id: string;
  /** 32 bytes. */
  key(purpose: KeyPurpose): Buffer;
}

/** The keys of a setting `new,old`: the first makes, all verify. */
export interface Keyring {
  readonly first: SecretKeys;
  readonly all: readonly SecretKeys[];
  byId(id: string): SecretKeys | undefined;
}

export const KEY_ID = '[A-Za-z0-9_-]{8}';

export function openKeyring(secrets: readonly [string, ...string[]]): Keyring {
  const all = secrets.map(keysOf);
  const byId = new Map(all.map((keys) => [keys.id, keys]));
  return { first: all[0] as SecretKeys, all, byId: (id) => byId.get(id) };
}

function keysOf(secret: string): SecretKeys {
  const derived = new Map<KeyPurpose, Buffer>();
  return {
    id: derive(secret, 'key-id', 6).toString('base64url'),
    key(purpose) {
      const known = derived.get(purpose);
      if (known !== undefined) return known;
      const key = derive(secret, purpose, 32);
      derived.set(purpose, key);
      return key;
    },
  };
}

/** HKDF (RFC 5869) with a label of its own for each purpose. */
function derive(secret: string, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `portcullis ${label}`, bytes));
}
