import { randomBytes, timingSafeEqual } from 'node:crypto';
import { databaseFailure, inTransaction, type Pool, type Queryable } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import type { ApiScope } from '#access/api-scopes.ts';
import { canonicalBytes } from '#access/base64url.ts';
import { BoundedMap } from '#access/bounded-map.ts';
import type { AccessContext, Actor } from '#access/context.ts';
import { pageOf, type Page, type PageQuery } from '#access/page.ts';
import { hashOf } from '#access/refresh-token-text.ts';
import type { Role } from '#access/user.ts';

const PREFIX = 'portcullis_';
const SECRET_BYTES = 32;
const FORM = /^portcullis_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;

/** An API token as shown to admins; the token itself is shown once, by `createApiToken`. */
export interface ApiToken {
  id: string;
  userId: string;
  name: string;
  scopes: ApiScope[];
  createdAt: Date;
  expiresAt: Date;
  lastUsedAt: Date | null;
}

const COLUMNS = `id, user_id as "userId", name, scopes, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt"`;

export function isApiToken(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** @returns the token and its text, which can't be had again. */
export async function createApiToken(
  { pool, record }: Pick<AccessContext, 'pool' | 'record'>,
  given: { userId: string; name: string; scopes: readonly ApiScope[]; lifeSeconds: number },
  actor: Actor,
): Promise<{ apiToken: ApiToken; text: string }> {
  const id = newId();
  const secret = randomBytes(SECRET_BYTES);
  const apiToken = await inTransaction(pool, async (client) => {
    const { rows } = await client.query<ApiToken>(
      `insert into api_token (id, user_id, name, secret_hash, scopes, expires_at)
       values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))
       returning ${COLUMNS}`,
      [id, given.userId, given.name, hashOf(secret), given.scopes, given.lifeSeconds],
    );
    const details = { scopes: given.scopes.join(' '), lifeSeconds: given.lifeSeconds };
    await record(client, [{ ...actor, type: 'token.created', targetKind: 'token', targetId: id, details }]);
    return rows[0] as ApiToken;
  });
  return { apiToken, text: `${PREFIX}${id.replaceAll('-', '')}_${secret.toString('base64url')}` };
}

export async function listApiTokens(client: Queryable, query: PageQuery): Promise<Page<ApiToken>> {
  const { rows } = await client.query<ApiToken>(
    `select ${COLUMNS} from api_token
     where ended_at is null and now() < expires_at and ($1::uuid is null or id < $1)
     order by id desc limit $2`,
    [query.cursor ?? null, query.limit + 1],
  );
  return pageOf(rows, query);
}

/** Whether there was such a live token. */
export async function endApiToken(
  { pool, record }: Pick<AccessContext, 'pool' | 'record'>,
  id: string,
  actor: Actor,
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      'update api_token set ended_at = clock_timestamp() where id = $1 and ended_at is null and now() < expires_at',
      [id],
    );
    if (rowCount === 0) return false;
    await record(client, [{ ...actor, type: 'token.ended', targetKind: 'token', targetId: id }]);
    return true;
  });
}

/** What a live API token may do. Its role is its maker's of now. */
export interface ApiTokenStanding {
  tokenId: string;
  userId: string;
  role: Role;
  scopes: readonly ApiScope[];
}

export interface ApiTokenDoor {
  /** @throws Failure `token-invalid`, the same for every fault. */
  read(text: string): Promise<ApiTokenStanding>;
}

const READ = `
  select t.user_id, u.role, t.scopes, t.secret_hash,
    coalesce(t.last_used_at < now() - interval '1 minute', true) as is_use_stale
  from api_token t join app_user u on u.id = t.user_id
  where t.id = $1 and t.ended_at is null and now() < t.expires_at and u.disabled_at is null`;

interface TokenRow {
  user_id: string;
  role: Role;
  scopes: ApiScope[];
  secret_hash: Buffer;
  is_use_stale: boolean;
}

const MAX_ENTRIES = 10_000;
/** The end of a token is seen on every process after this time at the latest. */
const MAX_AGE_MS = 750;

export function openApiTokenDoor(pool: Pool, now: () => number = () => performance.now()): ApiTokenDoor {
  const entries = new BoundedMap<string, { readAtMs: number; row: Promise<TokenRow | undefined> }>(MAX_ENTRIES);

  function rowOf(id: string): Promise<TokenRow | undefined> {
    const known = entries.get(id);
    if (known !== undefined && now() - known.readAtMs < MAX_AGE_MS) return known.row;
    const row = readRow(pool, id);
    entries.set(id, { readAtMs: now(), row });
    row.catch(() => entries.delete(id));
    return row;
  }

  return {
    async read(text) {
      const [, hex = '', secretText = ''] = FORM.exec(text) ?? [];
      const secret = canonicalBytes(secretText);
      if (secret?.length !== SECRET_BYTES) throw new Failure('token-invalid');
      const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      const row = await rowOf(id);
      if (row === undefined || !timingSafeEqual(hashOf(secret), row.secret_hash)) throw new Failure('token-invalid');
      return { tokenId: id, userId: row.user_id, role: row.role, scopes: row.scopes };
    },
  };
}

async function readRow(pool: Pool, id: string): Promise<TokenRow | undefined> {
  try {
    const { rows } = await pool.query<TokenRow>({ name: 'api-token', text: READ, values: [id] });
    if (rows[0]?.is_use_stale === true) {
      await pool.query('update api_token set last_used_at = now() where id = $1', [id]);
    }
    return rows[0];
  } catch (error) {
    throw databaseFailure(error);
  }
}
