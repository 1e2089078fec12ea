import { M0001Audit } from '#database/migrations/m0001-audit.ts';
import { M0002Webhooks } from '#database/migrations/m0002-webhooks.ts';
import { M0003Access } from '#database/migrations/m0003-access.ts';
import { M0004Uploads } from '#database/migrations/m0004-uploads.ts';
import { M0005Limits } from '#database/migrations/m0005-limits.ts';
import { M0006Sweeps } from '#database/migrations/m0006-sweeps.ts';
import { M0007Heartbeats } from '#database/migrations/m0007-heartbeats.ts';
import { M0008OwnEvents } from '#database/migrations/m0008-own-events.ts';
import { M0009Traces } from '#database/migrations/m0009-traces.ts';
import { M0010UploadTraces } from '#database/migrations/m0010-upload-traces.ts';
import { M0011Indexes } from '#database/migrations/m0011-indexes.ts';

/** Every migration in order. A migration that was released is never changed. */
export const migrations = [
  { name: 'm0001-audit', class: M0001Audit },
  { name: 'm0002-webhooks', class: M0002Webhooks },
  { name: 'm0003-access', class: M0003Access },
  { name: 'm0004-uploads', class: M0004Uploads },
  { name: 'm0005-limits', class: M0005Limits },
  { name: 'm0006-sweeps', class: M0006Sweeps },
  { name: 'm0007-heartbeats', class: M0007Heartbeats },
  { name: 'm0008-own-events', class: M0008OwnEvents },
  { name: 'm0009-traces', class: M0009Traces },
  { name: 'm0010-upload-traces', class: M0010UploadTraces },
  { name: 'm0011-indexes', class: M0011Indexes },
] as const;
