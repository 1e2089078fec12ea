import { createHash } from 'node:crypto';
import type { Storage } from '#uploads/storage.ts';

export const sha256Of = (content: string | Buffer): Buffer => createHash('sha256').update(content).digest();

/** Puts bytes into quarantine as an upload does. @returns their name. */
export async function storeFile(storage: Storage, content: string | Buffer): Promise<string> {
  const incoming = await storage.create();
  try {
    await incoming.write(Buffer.from(content as string));
    await incoming.commit(sha256Of(content));
    return incoming.name;
  } catch (error) {
    await incoming.abort();
    throw error;
  }
}
