const MAX_SAMPLES = 2_048;

export interface Distribution {
  count: number;
  p50: number;
  p99: number;
}

/** A fair sample of the values since the last look, however many there were. */
export interface RecentValues {
  add(value: number): void;
  /** What came since the last call; undefined if nothing did. */
  take(): Distribution | undefined;
}

export function openRecentValues({ max = MAX_SAMPLES, random = Math.random } = {}): RecentValues {
  let samples: number[] = [];
  let count = 0;
  return {
    add(value) {
      count += 1;
      if (samples.length < max) samples.push(value);
      else {
        // Vitter's algorithm R: each value has the same chance to be kept.
        const at = Math.floor(random() * count);
        if (at < max) samples[at] = value;
      }
    },
    take() {
      if (count === 0) return undefined;
      const sorted = samples.toSorted((a, b) => a - b);
      const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
      const taken = { count, p50: at(0.5), p99: at(0.99) };
      samples = [];
      count = 0;
      return taken;
    },
  };
}
