import type { Queryable } from '#database/pool.ts';

/** What uploads have to say to the audit trail. Signature names are told here and nowhere else. */
export interface UploadEvent {
  type: 'upload.deleted' | 'upload.failed' | 'upload.infected' | 'upload.refused' | 'upload.tampered';
  actorKind: 'user' | 'token' | 'system';
  actorId?: string;
  targetKind: 'upload';
  targetId: string;
  details: Record<string, string | number | boolean | null>;
}

/** Writes events in the caller's transaction. */
export type RecordUploadEvents = (client: Queryable, events: readonly UploadEvent[]) => Promise<void>;
