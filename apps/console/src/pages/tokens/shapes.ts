import type { ApiScope } from '#access/api-scopes.ts';

export const TOKENS = '/api/tokens';

export interface ApiToken {
  id: string;
  userId: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string;
  lastUsedAt: string | null;
}

/** What programs may be allowed, in words. */
export const SCOPES: Record<ApiScope, string> = {
  'webhook-logs:read': 'See receipts',
  'webhook-logs:write': 'Replay receipts',
  'uploads:read': 'See and download uploads',
  'uploads:write': 'Upload and delete',
  'security-events:read': 'See security events',
  'overview:read': 'See the overview',
  'users:read': 'See users and their sessions',
  'users:write': 'Make and change users',
};
