import { defineEntity, p } from '@mikro-orm/core';

export const ROLES = ['user', 'agent', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** A person who may sign in (table app_user). Users are disabled, never removed. */
export const UserEntity = defineEntity({
  name: 'AppUser',
  tableName: 'app_user',
  properties: {
    id: p.uuid().primary(),
    /** In its one canonical form (canonicalEmail). */
    email: p.text().unique(),
    name: p.text(),
    role: p.text().check("role in ('user', 'agent', 'admin')"),
    /** Of an imported account, until the first sign-in, as another application made it. */
    passwordHash: p.text().nullable(),
    /** Names the secret of PASSWORD_PEPPER that the hash was made with. */
    passwordPepperId: p.text().nullable(),
    passwordChangedAt: p.datetime().nullable(),
    /** Sessions that were created before it are over. */
    sessionsNotBefore: p.datetime().defaultRaw(`'-infinity'`),
    createdAt: p.datetime().defaultRaw('clock_timestamp()'),
    disabledAt: p.datetime().nullable(),
  },
  indexes: [
    {
      name: 'app_user_admins',
      expression: "create index app_user_admins on app_user (id) where role = 'admin' and disabled_at is null",
    },
  ],
});
