import type { SessionStandings } from '#access/session-standings.ts';
import { openListener } from '#database/listener.ts';
import { isId } from '#runtime/id.ts';
import type { ProcessParts } from '#runtime/process.ts';

export interface HearParts extends ProcessParts {
  databaseUrl: string;
  standings: SessionStandings;
}

/**
 * PostgreSQL tells every process of an end at its commit. It only makes faster what the age of a standing bounds anyway, so
 * that nothing is lost with a message.
 */
export function hearSessionEnds({ stack, log, databaseUrl, standings }: HearParts): void {
  const listener = openListener(databaseUrl, {
    channel: 'session_ended',
    onNotification: (sessionId) => {
      if (isId(sessionId)) standings.end([sessionId]);
    },
    onGap: () => undefined,
    onError: (error) => log.warn({ err: error }, 'the connection that hears of ended sessions was lost'),
  });
  stack.defer(() => listener.close());
}
