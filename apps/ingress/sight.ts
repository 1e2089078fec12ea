import type { Sight } from '#uploads/find-uploads.ts';
import type { Caller } from './caller.ts';

/** A user sees their own uploads; agents and admins see all. */
export function sightOf({ role, userId }: Caller): Sight {
  return role === 'user' ? { ownerId: userId } : 'all';
}
