import { databaseFailure, type Pool } from '#database/pool.ts';
import type { Reason, Signatures, UploadStatus, Verification, Warning } from '#uploads/status.ts';

/** An upload as its owner may see it. */
export interface Upload {
  id: string;
  ownerId: string;
  ticketId: string;
  status: UploadStatus;
  reason: Reason | null;
  detail: string | null;
  version: number;
  originalName: string;
  verifiedType: string | null;
  verification: Verification | null;
  warnings: Warning[];
  size: number;
  sha256: Buffer;
  storedName: string | null;
  signatures: Signatures | null;
  createdAt: Date;
  updatedAt: Date;
  scannedAt: Date | null;
}

/** Whose uploads may be seen: one user's, or everyone's. */
export type Sight = { ownerId: string } | 'all';

const COLUMNS = `id, owner_id as "ownerId", ticket_id as "ticketId", status, reason, detail, version,
  original_name as "originalName", verified_type as "verifiedType", verification, warnings, size_bytes as size, sha256,
  stored_name as "storedName", signatures, created_at as "createdAt", updated_at as "updatedAt",
  scanned_at as "scannedAt"`;

const BY_ID = `select ${COLUMNS} from upload
  where id = $1 and deleted_at is null and ($2::uuid is null or owner_id = $2)`;

const PAGE_OF_OWNER = `select ${COLUMNS} from upload
  where owner_id = $1 and deleted_at is null and ($2::uuid is null or id < $2) order by id desc limit $3`;

const PAGE_OF_ALL = `select ${COLUMNS} from upload
  where $1::uuid is null and deleted_at is null and ($2::uuid is null or id < $2) order by id desc limit $3`;

const PAGE_OF_TICKET = `select ${COLUMNS} from upload
  where ticket_id = $4 and deleted_at is null and ($1::uuid is null or owner_id = $1) and ($2::uuid is null or id < $2)
  order by id desc limit $3`;

export async function findUpload(pool: Pool, id: string, sight: Sight): Promise<Upload | undefined> {
  const rows = await read(pool, 'upload-by-id', BY_ID, [id, ownerOf(sight)]);
  return rows[0];
}

export interface UploadPage {
  items: Upload[];
  /** Where the next page begins; undefined on the last. */
  nextCursor: string | undefined;
}

/** Newest first. */
export async function listUploads(
  pool: Pool,
  sight: Sight,
  { limit, cursor, ticketId }: { limit: number; cursor: string | undefined; ticketId?: string },
): Promise<UploadPage> {
  const values: unknown[] = [ownerOf(sight), cursor, limit + 1];
  const rows =
    ticketId !== undefined
      ? await read(pool, 'uploads-of-ticket', PAGE_OF_TICKET, [...values, ticketId])
      : sight === 'all'
        ? await read(pool, 'uploads-of-all', PAGE_OF_ALL, values)
        : await read(pool, 'uploads-of-owner', PAGE_OF_OWNER, values);
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? items.at(-1)?.id : undefined };
}

function ownerOf(sight: Sight): string | null {
  return sight === 'all' ? null : sight.ownerId;
}

async function read(pool: Pool, name: string, text: string, values: unknown[]): Promise<Upload[]> {
  try {
    const { rows } = await pool.query<Upload>({ name, text, values });
    return rows;
  } catch (error) {
    throw databaseFailure(error);
  }
}
