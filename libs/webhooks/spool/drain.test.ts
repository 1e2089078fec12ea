import { expect, it } from 'vitest';
import { drainSpool } from '#webhooks/spool/drain.ts';
import type { ClosedSegment } from '#webhooks/spool/spool.ts';

it('goes on where a segment is gone, because another process has taken it over', async () => {
  const segments: ClosedSegment[] = [{ path: '/nowhere/of/another.seg', bytes: 100 }];
  const setAside: string[] = [];
  let taken = 0;
  const moved = await drainSpool({
    spool: {
      oldest: () => Promise.resolve(segments[0]),
      remove: async () => void segments.shift(),
      setAside: async () => void segments.shift(),
    },
    client: { query: () => Promise.reject(new Error('nothing is to be stored')) } as never,
    onCommitted: () => undefined,
    onTaken: () => void (taken += 1),
    onSetAside: ({ path }) => void setAside.push(path),
    signal: AbortSignal.timeout(5_000),
  });
  expect({ moved, segments, setAside, taken }).toEqual({ moved: 0, segments: [], setAside: [], taken: 1 });
});
