import { M0001Audit } from '#database/migrations/m0001-audit.ts';

/** Every migration in order. A migration that was released is never changed. */
export const migrations = [{ name: 'm0001-audit', class: M0001Audit }] as const;
