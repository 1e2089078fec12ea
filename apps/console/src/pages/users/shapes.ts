import type { User } from '../../me.ts';

export const USERS = '/api/users';

export interface ListedUser extends User {
  createdAt: string;
  disabledAt: string | null;
}
