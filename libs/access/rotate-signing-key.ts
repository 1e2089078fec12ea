import { exportJWK, generateKeyPair } from 'jose';
import { randomBytes } from 'node:crypto';
import { inTransaction, type PoolClient } from '#database/pool.ts';
import type { AccessContext, AccessEvent } from '#access/context.ts';
import { sealPrivateKey } from '#access/sealed-key.ts';

/** `EdDSA` over Ed25519 (RFC 8037): one algorithm, for every key. */
export const ALGORITHM = 'EdDSA';

/** How long a key signs. */
export const SIGNING_SECONDS = 30 * 86_400;
/** A successor is published this long before it signs: longer than anyone may cache the JWKS. */
export const PUBLISHING_SECONDS = 3_600;
/** How long a key verifies after it has signed for the last time: the longest ACCESS_TTL and the clock skew. */
const VERIFYING_SECONDS = 3_600 + 60;
/** A process that can't open the newest key does not make another while that one is this young. */
const MIN_AGE_SECONDS = 60;

type RotateContext = Pick<AccessContext, 'pool' | 'keys' | 'record'>;

/** One lock for all who may make a key; any constant will do. */
const ROTATION_LOCK = 4_000_243;

const NEWEST = `
  select id, secret_id, created_at > now() - make_interval(secs => $1) as is_young,
    signs_from < now() - make_interval(secs => $2) as is_due
  from signing_key
  where retired_at is null and verifies_until is null
  order by signs_from desc
  limit 1`;

interface NewestKey {
  id: string;
  secret_id: string;
  is_young: boolean;
  is_due: boolean;
}

/**
 * Makes the key that is needed, once however many processes ask: the first one, the successor of one that has signed long
 * enough, or one that signs at once where the newest can't be opened with the secrets at hand.
 */
export async function ensureSigningKey(context: RotateContext): Promise<void> {
  await underLock(context, async (client) => {
    const { rows } = await client.query<NewestKey>(NEWEST, [MIN_AGE_SECONDS, SIGNING_SECONDS - PUBLISHING_SECONDS]);
    const newest = rows[0];
    if (newest === undefined) return insertKey(context, client, 0);
    if (context.keys.byId(newest.secret_id) === undefined) return newest.is_young ? [] : insertKey(context, client, 0);
    return newest.is_due ? insertKey(context, client, PUBLISHING_SECONDS) : [];
  });
}

/** Publishes a successor that signs after the usual time of publication; what the old key signed stays valid. */
export async function rotateSigningKey(context: RotateContext): Promise<void> {
  await underLock(context, (client) => insertKey(context, client, PUBLISHING_SECONDS));
}

/**
 * Emergency: every key there is verifies no longer, from now on, on every process. A new one signs at once. Sessions live
 * on, because refresh tokens are not signed by these keys.
 * @returns the ids of the retired keys.
 */
export async function retireSigningKeys(context: RotateContext): Promise<string[]> {
  return underLock(context, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'update signing_key set retired_at = clock_timestamp() where retired_at is null returning id',
    );
    const retired: AccessEvent[] = rows.map(({ id }) => ({
      type: 'signing-key.retired',
      actorKind: 'system',
      targetKind: 'signing-key',
      targetId: id,
    }));
    return [...retired, ...(await insertKey(context, client, 0))];
  }).then((events) =>
    events.filter((event) => event.type === 'signing-key.retired').map((event) => String(event.targetId)),
  );
}

async function underLock(
  context: RotateContext,
  work: (client: PoolClient) => Promise<AccessEvent[]>,
): Promise<AccessEvent[]> {
  return inTransaction(context.pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [ROTATION_LOCK]);
    const events = await work(client);
    await context.record(client, events);
    return events;
  });
}

async function insertKey(context: RotateContext, client: PoolClient, delaySeconds: number): Promise<AccessEvent[]> {
  const { first } = context.keys;
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  const id = randomBytes(12).toString('base64url');
  const { kty, crv, x } = await exportJWK(publicKey);
  await client.query(
    `update signing_key set verifies_until = clock_timestamp() + make_interval(secs => $1::int + $2::int)
     where verifies_until is null and retired_at is null`,
    [delaySeconds, VERIFYING_SECONDS],
  );
  await client.query(
    `insert into signing_key (id, algorithm, public_key, sealed_private_key, secret_id, signs_from)
     values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))`,
    [id, ALGORITHM, { kty, crv, x }, sealPrivateKey(first, id, await exportJWK(privateKey)), first.id, delaySeconds],
  );
  return [{ type: 'signing-key.created', actorKind: 'system', targetKind: 'signing-key', targetId: id }];
}
