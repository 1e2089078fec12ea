import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
/** Below the backup's directory, and nowhere else. */
const path = z.string().regex(/^[a-z0-9][a-z0-9_.-]*(?:\/[a-z0-9][a-z0-9_.-]*)?$/i);

const fileShape = z.strictObject({ path, bytes: z.int().nonnegative(), sha256: digest });

const manifestShape = z.strictObject({
  format: z.literal(1),
  madeAt: z.iso.datetime(),
  migrations: z.array(z.string()),
  tables: z.array(
    z.strictObject({
      name: z.string(),
      columns: z.array(z.string()),
      rows: z.int().nonnegative(),
      file: fileShape,
    }),
  ),
  files: z.array(fileShape),
  /** The files were left where they are: only the rows that name them are here. */
  withoutFiles: z.literal(true).optional(),
  /** The newest seal of the audit trail. */
  seal: z.strictObject({ number: z.int(), hash: digest }).nullable(),
});

export type BackedUpFile = z.infer<typeof fileShape>;
export type Manifest = z.infer<typeof manifestShape>;

export const MANIFEST = 'manifest.json';

/** @throws Error that says that this is no whole backup. */
export async function readManifest(directory: string): Promise<Manifest> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(join(directory, MANIFEST), 'utf8'));
  } catch (error) {
    throw new Error(`${directory} is no whole backup: its ${MANIFEST} can't be read`, { cause: error });
  }
  const parsed = manifestShape.safeParse(content);
  if (!parsed.success) throw new Error(`${join(directory, MANIFEST)} does not have the shape it was made with`);
  return parsed.data;
}
