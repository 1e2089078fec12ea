import { z } from 'zod';
import { ROLES } from '#access/user.ts';
import type { Content } from './operation.ts';

/** ISO 8601 in UTC. */
export const time = z.iso.datetime();
export const id = z.uuid();
export const count = z.int().min(0);
export const seconds = z.number().min(0);
export const role = z.enum(ROLES);

export const pageOf = (items: z.ZodType) =>
  z.object({
    items: z.array(items),
    nextCursor: z.string().nullish().describe('Where the next page begins; absent or null on the last.'),
  });

export const acted = z.object({ message: z.string(), count });

export const json = (about: string, schema: z.ZodType, headers: readonly string[] = []): Content => ({
  about,
  schema,
  headers,
});
export const nothing = (about: string): Content => ({ about });
