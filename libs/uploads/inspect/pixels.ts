import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';

/** Refuses an image that would take too much to decode; nothing is ever decoded here. */
export function requirePixels(width: number, height: number, frames = 1): void {
  if (frames > inspectionLimits.frames) throw new Refusal('pixel-limit', `more than ${inspectionLimits.frames} frames`);
  if (width * height * frames > inspectionLimits.pixels) {
    throw new Refusal('pixel-limit', `more than ${inspectionLimits.pixels} pixels`);
  }
}
