import { environment } from '#runtime/config.ts';

/** How often a race, fuzz or sweep is repeated: `base` times TEST_EFFORT (1 by default), and at most `full`. */
export function effort(base: number, full = Number.POSITIVE_INFINITY): number {
  const factor = Number(environment()['TEST_EFFORT'] ?? '1');
  if (!(factor > 0)) throw new Error('TEST_EFFORT must be a number above 0');
  return Math.max(1, Math.min(full, Math.round(base * factor)));
}
