import { join } from 'node:path';

/** The directory that package.json stands in. */
export const repository = join(import.meta.dirname, '..', '..');
