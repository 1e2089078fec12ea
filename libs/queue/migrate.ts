/**
 * Brings the queue's schema up to date (PostgreSQL only; nothing to do on Redis), and lets the role of `url` use it
 * where `ownerUrl` names another one.
 */
export declare function migrateQueue(url: string, options?: { ownerUrl?: string }): Promise<void>;
