import { z } from 'zod';

export const storageSettings = {
  DATA_DIR: z.string().default('.data'),
};
