import { defineEntity, p } from '@mikro-orm/core';
import { UserEntity } from '#access/user.ts';

/** A one-time link to set a password, at most one a user (table password_reset). */
export const PasswordResetEntity = defineEntity({
  name: 'PasswordReset',
  tableName: 'password_reset',
  properties: {
    secretHash: p.blob().primary(),
    user: () => p.oneToOne(UserEntity).owner().unique('password_reset_user_id_unique'),
    expiresAt: p.datetime(),
  },
  indexes: [{ name: 'password_reset_end', properties: ['expiresAt'] }],
});
