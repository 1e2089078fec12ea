import type { Case } from './corpus.ts';
import { verifiersOf, type Verifier } from './libraries.ts';

export interface VerifierTime {
  scheme: string;
  library: string;
  /** For one verification, by round. */
  micros: number[];
  /** Multiples of ours in the same round. */
  toOurs: number[];
}

const CALLS_BETWEEN_LOOKS = 50;

/** How long each library takes for one good request: in turn, so that a slow spell of the machine hits all alike. */
export async function timeVerifiers(
  cases: readonly Case[],
  { rounds, sliceMs }: { rounds: number; sliceMs: number },
): Promise<VerifierTime[]> {
  const times: VerifierTime[] = [];
  for (const one of cases) {
    const able: Verifier[] = [];
    for (const verifier of verifiersOf(one.scheme))
      if ((await verifier.prepare(one)()) === 'accept') able.push(verifier);
    for (const verifier of able) await microsOf(verifier, one, sliceMs);
    const measured = able.map(({ library, scheme }): VerifierTime => ({ scheme, library, micros: [], toOurs: [] }));
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, verifier] of able.entries()) {
        measured[index]?.micros.push(await microsOf(verifier, one, sliceMs));
      }
    }
    const [ours] = measured;
    for (const time of measured) {
      time.toOurs = time.micros.map((micros, round) => micros / (ours?.micros[round] ?? Number.NaN));
    }
    times.push(...measured);
  }
  return times;
}

async function microsOf({ prepare }: Verifier, one: Case, sliceMs: number): Promise<number> {
  const ask = prepare(one);
  const startedAt = performance.now();
  let calls = 0;
  do {
    for (let n = 0; n < CALLS_BETWEEN_LOOKS; n += 1) {
      const answer = ask();
      if (answer instanceof Promise) await answer;
    }
    calls += CALLS_BETWEEN_LOOKS;
  } while (performance.now() - startedAt < sliceMs);
  return ((performance.now() - startedAt) * 1_000) / calls;
}
