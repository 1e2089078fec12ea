import { z } from 'zod';

/** `?limit` (50, at most 200) and `?cursor`, the id of the last item that was seen. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.uuid().optional(),
});
