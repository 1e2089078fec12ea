import { inTransaction, type PoolClient, type Queryable } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { replacePassword, requireGoodPassword } from '#access/change-password.ts';
import type { AccessContext, AccessEvent, Actor } from '#access/context.ts';
import { endSessionsIn, forbidEarlierSessions, lockUser } from '#access/end-session.ts';
import { pageOf, type Page, type PageQuery } from '#access/page.ts';
import type { PasswordPolicy } from '#access/password-policy.ts';
import type { PasswordHash } from '#access/passwords.ts';
import type { Role } from '#access/user.ts';

/** A user as shown to admins, and to themselves. */
export interface User {
  id: string;
  email: string;
  name: string;
  role: Role;
  createdAt: Date;
  disabledAt: Date | null;
}

/** What acts on users stand on. */
export type UserContext = Pick<AccessContext, 'pool' | 'record' | 'passwords' | 'onEnded'> & {
  passwordPolicy: PasswordPolicy;
};

export interface NewUser {
  /** In canonical form. */
  email: string;
  name: string;
  role: Role;
  /** Without one the user can't sign in before a reset link was used. */
  password?: string | undefined;
}

export interface UserChange {
  name?: string | undefined;
  role?: Role | undefined;
  disabled?: boolean | undefined;
  password?: string | undefined;
}

const COLUMNS = 'id, email, name, role, created_at as "createdAt", disabled_at as "disabledAt"';
const INSERT = `
  insert into app_user (id, email, name, role, password_hash, password_pepper_id, password_changed_at)
  values ($1, $2, $3, $4, $5, $6, case when $5::text is null then null else clock_timestamp() end)
  on conflict (email) do nothing
  returning ${COLUMNS}`;
const CHANGE = `
  update app_user set
    name = coalesce($2, name),
    role = coalesce($3, role),
    disabled_at = case when $4::boolean is null then disabled_at when $4 then coalesce(disabled_at, clock_timestamp()) end
  where id = $1
  returning ${COLUMNS}`;

/** Whoever changes who may administer waits for the others who do, so that the last two admins can't disable each other. */
const ADMIN_LOCK = 4_000_244;

export async function userOf(client: Queryable, userId: string): Promise<User | undefined> {
  const { rows } = await client.query<User>(`select ${COLUMNS} from app_user where id = $1`, [userId]);
  return rows[0];
}

/** What people see of themselves. */
export type OwnUser = Pick<User, 'id' | 'email' | 'name' | 'role'>;

const OWN_USER = 'select id, email, name, role from app_user where id = $1';

export async function ownUserOf(client: Queryable, userId: string): Promise<OwnUser | undefined> {
  const { rows } = await client.query<OwnUser>({ name: 'own-user', text: OWN_USER, values: [userId] });
  return rows[0];
}

/** By the canonical form of an e-mail address. */
export async function userByAddress(client: Queryable, email: string): Promise<User | undefined> {
  const { rows } = await client.query<User>(`select ${COLUMNS} from app_user where email = $1`, [email]);
  return rows[0];
}

export async function listUsers(client: Queryable, query: PageQuery): Promise<Page<User>> {
  const { rows } = await client.query<User>(
    `select ${COLUMNS} from app_user where $1::uuid is null or id > $1 order by id limit $2`,
    [query.cursor ?? null, query.limit + 1],
  );
  return pageOf(rows, query);
}

/** @throws Failure `email-taken`, `password-refused`. */
export async function createUser(context: UserContext, given: NewUser, actor: Actor): Promise<User> {
  const { email, name, role, password } = given;
  if (password !== undefined) requireGoodPassword(context.passwordPolicy, password, [email, name]);
  const made = password === undefined ? undefined : await context.passwords.make(password);
  return inTransaction(context.pool, (client) => insertUser(context, client, { email, name, role, made }, actor));
}

export async function insertUser(
  context: Pick<AccessContext, 'record'>,
  client: PoolClient,
  { email, name, role, made }: NewUser & { made: PasswordHash | undefined },
  actor: Actor,
): Promise<User> {
  const { rows } = await client.query<User>(INSERT, [
    newId(),
    email,
    name,
    role,
    made?.hash ?? null,
    made?.pepperId ?? null,
  ]);
  const user = rows[0];
  if (user === undefined) throw new Failure('email-taken');
  await context.record(client, [
    { ...actor, type: 'user.created', targetKind: 'user', targetId: user.id, details: { role } },
  ]);
  return user;
}

/**
 * Changes a user; a change of role, of the password or disabling ends all of the user's sessions at once.
 * @throws Failure `not-found`, `admin-last`, `password-refused`.
 */
export async function changeUser(
  context: UserContext,
  userId: string,
  change: UserChange,
  actor: Actor,
): Promise<User> {
  const made = await passwordFor(context, userId, change.password);
  const { user, ended } = await inTransaction(context.pool, async (client) => {
    if (change.role !== undefined || change.disabled !== undefined) {
      await client.query('select pg_advisory_xact_lock($1)', [ADMIN_LOCK]);
    }
    await lockUser(client, userId);
    const before = await userOf(client, userId);
    if (before === undefined) throw new Failure('not-found');
    const { rows } = await client.query<User>(CHANGE, [
      userId,
      change.name ?? null,
      change.role ?? null,
      change.disabled ?? null,
    ]);
    const after = rows[0] as User;
    if (isActiveAdmin(before) && !isActiveAdmin(after)) await requireAnotherAdmin(client);
    await context.record(client, eventsOf(before, after, change, actor));
    return { user: after, ended: await endAfterChange(context, client, { before, after, made, actor }) };
  });
  context.onEnded(ended);
  return user;
}

async function passwordFor(
  context: UserContext,
  userId: string,
  password: string | undefined,
): Promise<PasswordHash | undefined> {
  if (password === undefined) return undefined;
  const user = await userOf(context.pool, userId);
  if (user === undefined) throw new Failure('not-found');
  requireGoodPassword(context.passwordPolicy, password, [user.email, user.name]);
  return context.passwords.make(password);
}

async function endAfterChange(
  context: Pick<AccessContext, 'record'>,
  client: PoolClient,
  { before, after, made, actor }: { before: User; after: User; made: PasswordHash | undefined; actor: Actor },
): Promise<string[]> {
  const userId = after.id;
  if (made !== undefined) {
    return replacePassword(context, client, { userId, made, actor, reason: 'password-changed' });
  }
  const isDisabledNow = after.disabledAt !== null && before.disabledAt === null;
  if (!isDisabledNow && before.role === after.role) return [];
  await forbidEarlierSessions(client, userId);
  return endSessionsIn(context, client, { userId, reason: isDisabledNow ? 'user-disabled' : 'role-changed', actor });
}

function isActiveAdmin(user: User): boolean {
  return user.role === 'admin' && user.disabledAt === null;
}

async function requireAnotherAdmin(client: PoolClient): Promise<void> {
  const { rowCount } = await client.query(
    `select 1 from app_user where role = 'admin' and disabled_at is null limit 1`,
  );
  if (rowCount === 0) throw new Failure('admin-last');
}

function eventsOf(before: User, after: User, change: UserChange, actor: Actor): AccessEvent[] {
  const target = { ...actor, targetKind: 'user', targetId: after.id } as const;
  const events: AccessEvent[] = [];
  if (before.name !== after.name || before.role !== after.role) {
    const details = { roleBefore: before.role, role: after.role, nameChanged: before.name !== after.name };
    events.push({ ...target, type: 'user.changed', details });
  }
  if (change.disabled === true && before.disabledAt === null) events.push({ ...target, type: 'user.disabled' });
  if (change.disabled === false && before.disabledAt !== null) events.push({ ...target, type: 'user.enabled' });
  return events;
}
