import type { Queryable } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';

/** Nobody has had more numbers and ids than this; more means that a number has passed through many hands. */
const MAX_SUBJECTS = 32;

/** In one WhatsApp update all phones and user ids are of one person: those of now, and in a `system` message those of before. */
const NEIGHBOURS = `
  select distinct neighbour from webhook_event, unnest(subjects) as neighbour
  where subjects && $1::text[] and type in ('message.received', 'message.status') and data->>'channel' = 'whatsapp'
    and (neighbour like 'phone:%' or neighbour like 'user:%') and ($2::text is null or source = $2)
  limit ${MAX_SUBJECTS + 1}`;

/**
 * The subject and everything that the same person is or was known as, as far as events tell.
 * @throws Failure `subject-entangled` if that is so much that it can't be one person.
 */
export async function linkedSubjects(
  client: Queryable,
  subject: string,
  source: string | undefined,
): Promise<string[]> {
  const known = new Set([subject]);
  for (let size = 0; size < known.size;) {
    size = known.size;
    const { rows } = await client.query<{ neighbour: string }>(NEIGHBOURS, [[...known], source]);
    for (const { neighbour } of rows) known.add(neighbour);
    if (known.size > MAX_SUBJECTS) {
      throw new Failure('subject-entangled', { detail: `it is linked to more than ${MAX_SUBJECTS} numbers and ids` });
    }
  }
  return [...known];
}
