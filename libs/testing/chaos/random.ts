/** Numbers that a seed decides, so that a run can be repeated. */
export interface Random {
  /** At least `low`, below `high`. */
  between(low: number, high: number): number;
  /** A whole number from 0, below `count`. */
  below(count: number): number;
  pick<T>(items: readonly T[]): T;
  /** Whether something of this probability happens. */
  happens(probability: number): boolean;
  /** A generator of its own: what one part draws does not change what another gets. */
  fork(name: string): Random;
}

/** Mulberry32 (Tommy Ettinger): 32 bits of state, good enough to choose faults by. */
export function openRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number): number => Math.floor(next() * count);
  return {
    between: (low, high) => low + next() * (high - low),
    below,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new Error('nothing to pick from');
      return items[below(items.length)] as T;
    },
    happens: (probability) => next() < probability,
    fork: (name) => openRandom(Buffer.from(name).reduce((sum, byte) => Math.imul(sum, 31) + byte, seed)),
  };
}
