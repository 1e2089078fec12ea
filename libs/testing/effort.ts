import { environment } from '#runtime/config.ts';

/** How often a race, fuzz or sweep is repeated: `base` times TEST_EFFORT (1 by default), and at most `full`. */
export function effort(base: number, full = Number.POSITIVE_INFINITY): number {
  return Math.max(1, Math.min(full, Math.round(base * factor())));
}

/** The time limit, in ms, of a test that repeats something: what is repeated more often may take longer. */
export function limitFor(ms: number): number {
  return ms * Math.max(1, factor());
}

function factor(): number {
  const given = Number(environment()['TEST_EFFORT'] ?? '1');
  if (!(given > 0)) throw new Error('TEST_EFFORT must be a number above 0');
  return given;
}
