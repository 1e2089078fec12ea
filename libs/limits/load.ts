/** Something that tells how hard this process is pressed. */
export interface LoadProbe {
  name: string;
  read(): number;
  /** Up to here all is well. */
  calm: number;
  /** From here on it is as bad as it gets. */
  full: number;
}

export interface Load {
  /** What part of their quotas callers get, 0.25 to 1. */
  readonly factor: number;
  /** Reads every probe. Called about once a second. */
  sample(): void;
}

export const LEAST_FACTOR = 0.25;
/** Calm samples in a row before quotas grow again, and by how much they grow a sample. */
const PATIENCE = 5;
const GROWTH = 0.1;

/**
 * Quotas shrink when the worst probe is over its mark twice in a row, and grow again slowly after a while of calm: a single
 * spike changes nothing, and they do not swing.
 */
export function openLoad(probes: readonly LoadProbe[]): Load {
  let factor = 1;
  let last = 1;
  let calmSamples = 0;
  return {
    get factor() {
      return factor;
    },
    sample() {
      const bearable = Math.min(1, ...probes.map(bearableBy));
      const lasting = Math.max(bearable, last);
      last = bearable;
      if (lasting < factor) {
        factor = lasting;
        calmSamples = 0;
        return;
      }
      calmSamples = bearable > factor || bearable === 1 ? calmSamples + 1 : 0;
      if (calmSamples > PATIENCE) factor = Math.min(bearable, factor + GROWTH);
    },
  };
}

function bearableBy(probe: LoadProbe): number {
  const pressure = (probe.read() - probe.calm) / (probe.full - probe.calm);
  // What can't be read presses nobody.
  if (!Number.isFinite(pressure)) return 1;
  return 1 - (1 - LEAST_FACTOR) * Math.min(1, Math.max(0, pressure));
}
