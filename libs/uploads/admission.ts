import type { Pool } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { UploadLimits } from '#uploads/limits.ts';

const HOUR_MS = 3_600_000;
const QUOTA_RETRY_SECONDS = 3_600;
/** How old the known size of the quarantine may be; what this process adds meanwhile is counted at once. */
const BACKLOG_MAX_AGE_MS = 1_000;

const USAGE = `
  select count(*) filter (where created_at > $2) as recent,
    min(created_at) filter (where created_at > $2) as oldest,
    coalesce(sum(size_bytes) filter (where stored_name is not null), 0)::bigint as bytes,
    bool_or(idempotency_key = $3) as known
  from upload where owner_id = $1`;

const BACKLOG = `
  select coalesce(sum(size_bytes), 0)::bigint as bytes from upload
  where status in ('quarantined', 'scanning', 'scan-failed') and stored_name is not null`;

/** Room that one upload holds while its body comes in. */
export interface Admission {
  /** The upload has become a row with this many bytes in quarantine. */
  accepted(bytes: number): void;
  /** Gives the room back; always, and once. */
  release(): void;
}

export interface Admissions {
  /**
   * Lets an upload begin, judged before its body is read. The limits are exact in one ingress; several of them can
   * overrun a limit by what they take in at the same moment.
   * @throws Failure `rate-limited`, `quota-exceeded`, `quarantine-full`, `idempotency-in-progress`.
   */
  admit(ask: { ownerId: string; expectedBytes: number; idempotencyKey: string | undefined }): Promise<Admission>;
}

interface Held {
  uploads: number;
  bytes: number;
}

export function openAdmissions(pool: Pool, limits: UploadLimits, now: () => number = Date.now): Admissions {
  const held = new Map<string, Held>();
  const keys = new Set<string>();
  const backlog = openBacklog(pool, now);
  let heldBytes = 0;

  function hold(ownerId: string, bytes: number): Held {
    const owner = held.get(ownerId) ?? { uploads: 0, bytes: 0 };
    held.set(ownerId, owner);
    owner.uploads += 1;
    owner.bytes += bytes;
    heldBytes += bytes;
    return owner;
  }

  function judge(usage: Usage, owner: Held): void {
    if (usage.recent + owner.uploads > limits.perHour) {
      const oldestMs = usage.oldest?.getTime() ?? now();
      const retryAfterSeconds = Math.max(1, (oldestMs + HOUR_MS - now()) / 1000);
      throw new Failure('rate-limited', { detail: `at most ${limits.perHour} an hour`, retryAfterSeconds });
    }
    if (usage.bytes + owner.bytes > limits.quotaBytes) {
      throw new Failure('quota-exceeded', { retryAfterSeconds: QUOTA_RETRY_SECONDS });
    }
  }

  return {
    async admit({ ownerId, expectedBytes, idempotencyKey }) {
      const key = idempotencyKey === undefined ? undefined : `${ownerId} ${idempotencyKey}`;
      if (key !== undefined && keys.has(key)) throw new Failure('idempotency-in-progress', { retryAfterSeconds: 1 });
      if (key !== undefined) keys.add(key);
      // Held before the question is asked, so that a hundred at once don't all see the same free room.
      const owner = hold(ownerId, expectedBytes);
      const release = (): void => {
        if (key !== undefined) keys.delete(key);
        owner.uploads -= 1;
        owner.bytes -= expectedBytes;
        heldBytes -= expectedBytes;
        if (owner.uploads === 0) held.delete(ownerId);
      };
      try {
        const [usage, waitingBytes] = await Promise.all([
          usageOf(pool, ownerId, idempotencyKey, now()),
          backlog.bytes(),
        ]);
        if (!usage.known) judge(usage, owner);
        if (waitingBytes + heldBytes > limits.quarantineBytes) throw new Failure('quarantine-full');
      } catch (error) {
        release();
        throw error;
      }
      return {
        accepted: (bytes) => backlog.add(bytes),
        release,
      };
    },
  };
}

interface Usage {
  recent: number;
  oldest: Date | null;
  bytes: number;
  known: boolean;
}

async function usageOf(pool: Pool, ownerId: string, key: string | undefined, nowMs: number): Promise<Usage> {
  const { rows } = await pool.query<Usage>({
    name: 'upload-usage',
    text: USAGE,
    values: [ownerId, new Date(nowMs - HOUR_MS), key],
  });
  return { ...rows[0], known: rows[0]?.known === true } as Usage;
}

/** What waits in quarantine, asked for at most once a second however many want to know. */
function openBacklog(pool: Pool, now: () => number): { bytes(): Promise<number>; add(bytes: number): void } {
  let known: { bytes: number; atMs: number } | undefined;
  let added = 0;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const before = added;
    const { rows } = await pool.query<{ bytes: number }>({ name: 'upload-backlog', text: BACKLOG });
    known = { bytes: rows[0]?.bytes ?? 0, atMs: now() };
    added -= before;
  }

  return {
    async bytes() {
      if (known === undefined || now() - known.atMs > BACKLOG_MAX_AGE_MS) {
        asking ??= ask().finally(() => {
          asking = undefined;
        });
        await asking;
      }
      return (known?.bytes ?? 0) + added;
    },
    add(bytes) {
      added += bytes;
    },
  };
}
