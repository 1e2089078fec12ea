import { defineEntity, p } from '@mikro-orm/core';
import { UserEntity } from '#access/user.ts';

/** One sign-in on one device: what people see in the list of their sessions (table user_session). */
export const UserSessionEntity = defineEntity({
  name: 'UserSession',
  tableName: 'user_session',
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(UserEntity).index(false),
    createdAt: p.datetime(),
    /** The last proof of a factor; step-up looks at it. */
    authenticatedAt: p.datetime(),
    method: p.text(),
    deviceLabel: p.text(),
    addressPrefix: p.string().columnType('cidr'),
    endedAt: p.datetime().nullable(),
    endReason: p.text().nullable(),
  },
  indexes: [{ name: 'user_session_by_user', properties: ['user', 'createdAt'] }],
});
