/** What an API token may be allowed to do: the routes that name the scope, and no others. */
export const API_SCOPES = [
  'webhook-logs:read',
  'webhook-logs:write',
  'uploads:read',
  'uploads:write',
  'security-events:read',
  'overview:read',
  'users:read',
  'users:write',
] as const;

export type ApiScope = (typeof API_SCOPES)[number];
