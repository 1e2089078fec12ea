import { defineEntity, p } from '@mikro-orm/core';

/** One running process (table process_heartbeat). */
export const ProcessHeartbeatEntity = defineEntity({
  name: 'ProcessHeartbeat',
  tableName: 'process_heartbeat',
  properties: {
    id: p.uuid().primary(),
    process: p.text(),
    host: p.text(),
    pid: p.integer(),
    startedAt: p.datetime(),
    beatAt: p.datetime(),
    /** What the process says of itself: JSON of its own kind. */
    details: p.json(),
  },
  indexes: [{ name: 'process_heartbeat_beat', properties: ['beatAt'] }],
});
