import { defineEntity, p } from '@mikro-orm/core';

/** What one key has used of its quota in the current window; survives the loss of Redis (table limiter_counter). */
export const LimiterCounterEntity = defineEntity({
  name: 'LimiterCounter',
  tableName: 'limiter_counter',
  properties: {
    key: p.text().primary(),
    points: p.integer(),
    expiresAt: p.datetime(),
  },
  indexes: [{ name: 'limiter_counter_end', properties: ['expiresAt'] }],
});
