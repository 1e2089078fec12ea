import { databaseFailure, type Pool } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import type { UploadLimits } from '#uploads/limits.ts';

const HOUR_MS = 3_600_000;
const QUOTA_RETRY_SECONDS = 3_600;
/** How old the known size of the quarantine may be; what this process adds meanwhile is counted at once. */
const BACKLOG_MAX_AGE_MS = 1_000;

// What this process has let in is counted by the process, whether its row is there already or not.
const USAGE = `
  select count(*) filter (where created_at > $2 and id <> all($4)) as recent,
    min(created_at) filter (where created_at > $2) as oldest,
    coalesce(sum(size_bytes) filter (where stored_name is not null and id <> all($4)), 0)::bigint as bytes,
    bool_or(idempotency_key = $3) as known
  from upload where owner_id = $1`;

const BACKLOG = `
  select coalesce(sum(size_bytes), 0)::bigint as bytes from upload
  where status in ('quarantined', 'scanning', 'scan-failed') and stored_name is not null`;

/** Room that one upload holds while its body comes in. */
export interface Admission {
  /** The id that the upload will have. */
  readonly uploadId: string;
  /** The upload has become a row with this many bytes in quarantine. */
  accepted(bytes: number): void;
  /** Gives the room back; always, and once. */
  release(): void;
}

export interface AdmissionAsk {
  ownerId: string;
  expectedBytes: number;
  idempotencyKey: string | undefined;
}

export interface Admissions {
  /**
   * Lets an upload begin, judged before its body is read. The limits are exact in one ingress; several of them can
   * overrun a limit by what they take in at the same moment.
   * @throws Failure `rate-limited`, `quota-exceeded`, `quarantine-full`, `idempotency-in-progress`.
   */
  admit(ask: AdmissionAsk): Promise<Admission>;
}

export function openAdmissions(pool: Pool, limits: UploadLimits, now: () => number = Date.now): Admissions {
  const held = openHeldRoom();
  const keys = new Set<string>();
  const backlog = openBacklog(pool, now);

  function judge(usage: Usage, mine: { uploads: number; bytes: number }): void {
    if (usage.recent + mine.uploads > limits.perHour) {
      const oldestMs = usage.oldest?.getTime() ?? now();
      const retryAfterSeconds = Math.max(1, (oldestMs + HOUR_MS - now()) / 1000);
      throw new Failure('rate-limited', { detail: `at most ${limits.perHour} an hour`, retryAfterSeconds });
    }
    if (usage.bytes + mine.bytes > limits.quotaBytes) {
      throw new Failure('quota-exceeded', { retryAfterSeconds: QUOTA_RETRY_SECONDS });
    }
  }

  async function requireRoom({ ownerId, idempotencyKey }: AdmissionAsk): Promise<void> {
    // Read before the question is asked: of two uploads at once at least the later one sees the other.
    const mine = held.of(ownerId);
    const [usage, waitingBytes] = await Promise.all([
      usageOf(pool, { ownerId, idempotencyKey, heldIds: mine.ids, nowMs: now() }),
      backlog.bytes(),
    ]);
    if (!usage.known) judge(usage, mine);
    if (waitingBytes + held.bytes > limits.quarantineBytes) throw new Failure('quarantine-full');
  }

  return {
    async admit(ask) {
      const { ownerId, expectedBytes, idempotencyKey } = ask;
      const key = idempotencyKey === undefined ? undefined : `${ownerId} ${idempotencyKey}`;
      if (key !== undefined && keys.has(key)) throw new Failure('idempotency-in-progress', { retryAfterSeconds: 1 });
      if (key !== undefined) keys.add(key);
      const uploadId = newId();
      held.add(ownerId, uploadId, expectedBytes);
      const release = (): void => {
        if (key !== undefined) keys.delete(key);
        held.remove(ownerId, uploadId);
      };
      try {
        await requireRoom(ask);
      } catch (error) {
        release();
        throw databaseFailure(error);
      }
      return { uploadId, accepted: (bytes) => backlog.add(bytes), release };
    },
  };
}

interface HeldRoom {
  add(ownerId: string, uploadId: string, bytes: number): void;
  remove(ownerId: string, uploadId: string): void;
  of(ownerId: string): { ids: string[]; uploads: number; bytes: number };
  readonly bytes: number;
}

/** What uploads that are on their way hold, by owner. */
function openHeldRoom(): HeldRoom {
  const owners = new Map<string, Map<string, number>>();
  let total = 0;
  return {
    add(ownerId, uploadId, bytes) {
      const uploads = owners.get(ownerId) ?? new Map<string, number>();
      owners.set(ownerId, uploads.set(uploadId, bytes));
      total += bytes;
    },
    remove(ownerId, uploadId) {
      const uploads = owners.get(ownerId);
      total -= uploads?.get(uploadId) ?? 0;
      uploads?.delete(uploadId);
      if (uploads?.size === 0) owners.delete(ownerId);
    },
    of(ownerId) {
      const uploads = owners.get(ownerId) ?? new Map<string, number>();
      const bytes = Array.from(uploads.values()).reduce((sum, each) => sum + each, 0);
      return { ids: [...uploads.keys()], uploads: uploads.size, bytes };
    },
    get bytes() {
      return total;
    },
  };
}

interface Usage {
  recent: number;
  oldest: Date | null;
  bytes: number;
  known: boolean;
}

async function usageOf(
  pool: Pool,
  ask: { ownerId: string; idempotencyKey: string | undefined; heldIds: string[]; nowMs: number },
): Promise<Usage> {
  const { rows } = await pool.query<Usage>({
    name: 'upload-usage',
    text: USAGE,
    values: [ask.ownerId, new Date(ask.nowMs - HOUR_MS), ask.idempotencyKey, ask.heldIds],
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
