import type { Source } from '#webhooks/source.ts';
import type { Sources } from '#webhooks/sources.ts';

/** Where a webhook request goes. */
export interface WebhookRoute {
  /** Undefined where no such source is set: refused like a wrong signature. */
  source: Source | undefined;
  /** The source's name as the path has it, for the receipt of a refusal. */
  requestedName: string;
  methods: readonly string[];
}

const GENERIC_PREFIX = '/api/webhooks/';
const FIXED_ROUTES = new Map([
  ['/api/whatsapp/webhook', { name: 'whatsapp', methods: ['GET', 'POST'] }],
  ['/api/wooalerts-webhook', { name: 'wooalerts', methods: ['POST'] }],
]);
const GENERIC_METHODS = ['GET', 'POST'];

/** Finds the route of an exact path; undefined if the path is not the webhook door's. */
export function openWebhookRoutes(sources: Sources): (path: string) => WebhookRoute | undefined {
  return (path) => {
    const fixed = FIXED_ROUTES.get(path);
    if (fixed !== undefined) {
      return { source: sources.get(path), requestedName: fixed.name, methods: fixed.methods };
    }
    if (!path.startsWith(GENERIC_PREFIX)) return undefined;
    const requestedName = path.slice(GENERIC_PREFIX.length);
    if (requestedName === '' || requestedName.includes('/')) return undefined;
    return { source: sources.get(path), requestedName, methods: GENERIC_METHODS };
  };
}
