import type { Pool } from '#database/pool.ts';
import type { SentUpload } from '#testing/chaos/send-uploads.ts';
import { openLocalStorage } from '#uploads/local-storage.ts';
import { zones, type Storage } from '#uploads/storage.ts';
import { sweepOrphans } from '#uploads/sweep-uploads.ts';

/** How the uploads compare with what was promised of them. */
export interface UploadComparison {
  accepted: number;
  /** Files without a row that crashes had left, and that the sweep has removed. */
  swept: number;
  faults: string[];
}

interface Row {
  id: string;
  key: string;
  status: string;
  storedName: string | null;
  sha256: string;
  scannedAt: Date | null;
}

const ROWS = `
  select id, idempotency_key as key, status, stored_name as "storedName", encode(sha256, 'hex') as sha256,
    scanned_at as "scannedAt"
  from upload`;
/** Each verdict is an event, and takes effect as one. */
const VERDICTS = `
  select split_part(key, ':', 1) as id, split_part(key, ':', 2) as what, count(*)::int as count
  from (select substring(key from '^upload:(.*)') as key from chaos_effect) as verdicts where key is not null group by 1, 2`;
const FINDINGS = `
  select target_id::text as id, type as what, count(*)::int as count from security_event
  where type in ('upload.infected', 'upload.refused', 'upload.tampered', 'upload.failed') group by 1, 2`;
const FINDING = { clean: undefined, infected: 'upload.infected', unscannable: 'upload.refused' } as const;
const SHOWN = 5;

/** Every 202 has one row, one verdict and that the right one; every file has a row and every row its file. */
export async function compareUploads(
  { pool, dataDir }: { pool: Pool; dataDir: string },
  sent: readonly SentUpload[],
): Promise<UploadComparison> {
  const storage = await openLocalStorage(dataDir);
  try {
    const swept = await sweepOrphans({ pool, storage }, new AbortController().signal, 0);
    const { rows } = await pool.query<Row>(ROWS);
    const accepted = sent.filter(({ id }) => id !== undefined);
    const wrong = [
      ...compareRows(rows, accepted),
      ...(await compareVerdicts(pool, accepted)),
      ...(await compareFiles(storage, rows)),
    ];
    const faults = wrong.length > SHOWN ? [...wrong.slice(0, SHOWN), `uploads: ${wrong.length} faults in all`] : wrong;
    return { accepted: accepted.length, swept, faults };
  } finally {
    await storage[Symbol.asyncDispose]();
  }
}

function compareRows(rows: readonly Row[], accepted: readonly SentUpload[]): string[] {
  const faults: string[] = [];
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { id = '', key, kind, servedAtMs } of accepted) {
    const row = byId.get(id);
    if (row === undefined) faults.push(`upload ${key} was accepted and is lost`);
    else if (row.key !== key) faults.push(`upload ${key} got the id of upload ${row.key}`);
    else if (row.status !== kind) faults.push(`upload ${key} is ${kind}, and its verdict ${row.status}`);
    else if (servedAtMs !== undefined && servedAtMs < (row.scannedAt?.getTime() ?? Number.POSITIVE_INFINITY))
      faults.push(`upload ${key} was served before its verdict`);
  }
  const known = new Set(accepted.map(({ id }) => id));
  const stray = rows.filter(({ id }) => !known.has(id));
  if (stray.length > 0) faults.push(`${stray.length} uploads that nobody has an answer for, such as ${stray[0]?.key}`);
  return faults;
}

async function compareVerdicts(pool: Pool, accepted: readonly SentUpload[]): Promise<string[]> {
  const faults: string[] = [];
  const told = await countsOf(pool, VERDICTS);
  const found = await countsOf(pool, FINDINGS);
  for (const { id = '', key, kind } of accepted) {
    const verdicts = told.get(id) ?? {};
    if (verdicts[kind] !== 1 || Object.keys(verdicts).length !== 1)
      faults.push(`upload ${key} is ${kind}, and its verdict was told as ${JSON.stringify(verdicts)}`);
    const findings = found.get(id) ?? {};
    const finding = FINDING[kind];
    const isRight = finding === undefined ? Object.keys(findings).length === 0 : findings[finding] === 1;
    if (!isRight) faults.push(`upload ${key} is ${kind}, and its security events are ${JSON.stringify(findings)}`);
  }
  return faults;
}

/** By upload: what was counted of it, and how often. */
async function countsOf(pool: Pool, text: string): Promise<Map<string, Record<string, number>>> {
  const { rows } = await pool.query<{ id: string; what: string; count: number }>(text);
  const counts = new Map<string, Record<string, number>>();
  for (const { id, what, count } of rows) counts.set(id, { ...counts.get(id), [what]: count });
  return counts;
}

async function compareFiles(storage: Storage, rows: readonly Row[]): Promise<string[]> {
  const faults: string[] = [];
  const named = new Map(rows.filter(({ status }) => status === 'clean').map((row) => [row.storedName, row]));
  for (const zone of zones) {
    for await (const { name } of storage.list(zone)) {
      if (zone === 'quarantine' || !named.has(name)) faults.push(`a file in ${zone} belongs to no clean upload`);
    }
  }
  for (const { storedName, key, sha256, status } of rows) {
    if (status !== 'clean') continue;
    const file = storedName === null ? undefined : await storage.open('clean', storedName);
    if (file === undefined) {
      faults.push(`upload ${key} has no file`);
      continue;
    }
    const digest = (await file.digest()).toString('hex');
    await file.close();
    if (digest !== sha256) faults.push(`the file of upload ${key} has other bytes`);
  }
  return faults;
}
