import { correlationId } from '#runtime/correlation.ts';
import type { AnnounceVerdicts, UploadVerdict } from '#uploads/verdict.ts';
import type { UploadVerdictData } from '#webhooks/event.ts';
import { wantsEvent, type EventHandler } from '#webhooks/handler.ts';
import { insertOwnEvents, type OwnEvent } from '#webhooks/insert-own-events.ts';
import { compact } from '#webhooks/read-json.ts';

export interface AnnouncementParts {
  handlers: readonly EventHandler[];
  /** Called after a commit with the events that wait for handlers. */
  onEvents: (eventIds: string[]) => void;
}

/** Makes each verdict on an upload an event, so that it reaches the handlers as surely as a webhook does. */
export function announcementOf({ handlers, onEvents }: AnnouncementParts): AnnounceVerdicts {
  return async (client, verdicts) => {
    const ids = await insertOwnEvents(client, verdicts.map(eventOf), (type) => wantsEvent(handlers, type));
    return () => {
      if (ids.length > 0) onEvents(ids);
    };
  };
}

function eventOf(verdict: UploadVerdict): OwnEvent {
  const { id, status, decidedAt, sha256, verifiedType, sizeBytes, ownerId, ticketId } = verdict;
  const { version, reason, detail, originalName, verification, warnings, signatures } = verdict;
  return {
    // An upload ends in each status once at most: one that was clean may turn bad, one that failed may expire.
    key: `${id}:${status}`,
    type: `upload.${status}`,
    occurredAt: decidedAt,
    subjects: [`user:${ownerId}`],
    data: compact({
      uploadId: id,
      version,
      ticketId,
      ownerId,
      status,
      reason: reason ?? undefined,
      detail: detail ?? undefined,
      originalName,
      size: sizeBytes,
      sha256: sha256.toString('hex'),
      type: verifiedType ?? undefined,
      verification: verification ?? undefined,
      warnings,
      signatures: signatures ?? undefined,
    } satisfies UploadVerdictData),
    raw: null,
    correlationId: correlationId() ?? id,
    traceparent: verdict.traceparent,
  };
}
