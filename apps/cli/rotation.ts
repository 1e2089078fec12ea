import { UsageError } from './usage-error.ts';

/** A rotation that signs nobody out goes in three steps, with a restart of one process after the other between them. */
export type RotationStep = 'add' | 'use' | 'drop';

/**
 * The list of secrets after a step: the first makes, all verify.
 * @throws UsageError if it is not the time for this step.
 */
export function rotated(list: readonly string[], step: RotationStep, fresh: string): string[] {
  if (step === 'add') {
    if (list.length !== 1) throw new UsageError('a rotation is under way already: go on with --use or --drop');
    return [...list, fresh];
  }
  const [first, second, ...others] = list;
  if (first === undefined || second === undefined || others.length > 0) {
    throw new UsageError('there is nothing to go on with: begin without --use and --drop');
  }
  return step === 'use' ? [second, first] : [first];
}
