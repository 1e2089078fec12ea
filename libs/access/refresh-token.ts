import { defineEntity, p } from '@mikro-orm/core';
import { UserSessionEntity } from '#access/user-session.ts';

/**
 * The state of rotation, exactly one row a session (table refresh_token). Everything that a refresh tests lies in this
 * row, because a condition on another table would be judged on a snapshot and let a refresh slip past an end.
 */
export const RefreshTokenEntity = defineEntity({
  name: 'RefreshToken',
  tableName: 'refresh_token',
  properties: {
    session: () => p.oneToOne(UserSessionEntity).owner().primary().deleteRule('cascade').updateRule('no action'),
    userId: p.uuid(),
    currentHash: p.blob(),
    previousHash: p.blob().nullable(),
    /** The successor, to be opened with the parent's secret only. */
    sealedSuccessor: p.blob().nullable(),
    generation: p.integer().default(0),
    rotatedAt: p.datetime().nullable(),
    lateReplays: p.smallint().default(0),
    deviceHash: p.blob(),
    idleSeconds: p.integer(),
    lastUsedAt: p.datetime(),
    idleExpiresAt: p.datetime(),
    absoluteExpiresAt: p.datetime(),
    endedAt: p.datetime().nullable(),
  },
  indexes: [
    { name: 'refresh_token_live', properties: ['userId'], where: 'ended_at is null' },
    { name: 'refresh_token_end', properties: ['absoluteExpiresAt'] },
    { name: 'refresh_token_ended', properties: ['endedAt'], where: 'ended_at is not null' },
  ],
});
