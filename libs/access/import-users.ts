import { inTransaction } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import type { AccessContext, Actor } from '#access/context.ts';
import { schemeOf } from '#access/imported-hash.ts';
import type { ImportedUser } from '#access/imported-user.ts';

const INSERT = `
  insert into app_user (id, email, name, role, password_hash, password_changed_at, disabled_at)
  select id, email, name, role, password_hash, clock_timestamp(), case when disabled then clock_timestamp() end
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
    as given (id, email, name, role, password_hash, disabled)
  on conflict (email) do nothing
  returning id`;

/**
 * Takes over users with the hashes of their passwords, all in one transaction with their events. Whoever is there already
 * stays as they are, so that a repetition changes nothing.
 * @returns those who were made.
 */
export async function importUsers(
  { pool, record }: Pick<AccessContext, 'pool' | 'record'>,
  users: readonly ImportedUser[],
  actor: Actor,
): Promise<ImportedUser[]> {
  // In one order, so that two imports at once wait for each other instead of locking each other up.
  const rows = users
    .toSorted((one, other) => (one.email < other.email ? -1 : 1))
    .map((user) => ({ id: newId(), user }));
  return inTransaction(pool, async (client) => {
    const { rows: inserted } = await client.query<{ id: string }>(INSERT, [
      rows.map(({ id }) => id),
      rows.map(({ user }) => user.email),
      rows.map(({ user }) => user.name),
      rows.map(({ user }) => user.role),
      rows.map(({ user }) => user.passwordHash),
      rows.map(({ user }) => user.disabled),
    ]);
    const ids = new Set(inserted.map(({ id }) => id));
    const made = rows.filter(({ id }) => ids.has(id));
    await record(
      client,
      made.map(({ id, user: { role, passwordHash, disabled } }) => ({
        ...actor,
        type: 'user.created' as const,
        targetKind: 'user' as const,
        targetId: id,
        details: { role, imported: schemeOf(passwordHash), disabled },
      })),
    );
    return made.map(({ user }) => user);
  });
}
