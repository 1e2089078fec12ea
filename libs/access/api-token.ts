import { defineEntity, p } from '@mikro-orm/core';
import { UserEntity } from '#access/user.ts';

/** A token for a program (table api_token); only its hash is kept. */
export const ApiTokenEntity = defineEntity({
  name: 'ApiToken',
  tableName: 'api_token',
  properties: {
    id: p.uuid().primary(),
    /** Who made it; the token works while this user does. */
    user: () => p.manyToOne(UserEntity).index(false),
    name: p.text(),
    secretHash: p.blob(),
    scopes: p.array().columnType('text[]'),
    createdAt: p.datetime().defaultRaw('clock_timestamp()'),
    expiresAt: p.datetime(),
    lastUsedAt: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
  },
  indexes: [
    { name: 'api_token_by_user', properties: ['user'] },
    { name: 'api_token_end', expression: 'create index api_token_end on api_token (least(expires_at, ended_at))' },
  ],
});
