import { expect, it } from 'vitest';
import { openTraffic } from './traffic.ts';

it('describes what happened since the last heartbeat, and then begins anew', () => {
  let nowMs = 0;
  const traffic = openTraffic(() => nowMs);
  for (const verdict of ['accepted', 'ping', 'duplicate', 'refused:signature-mismatch', 'limited']) {
    traffic.received(verdict);
  }
  traffic.acknowledged(0.004);
  traffic.answered(0.2, 200);
  traffic.answered(0.1, 503);
  nowMs = 2_000;
  expect(traffic.describe()).toEqual({
    seconds: 2,
    receipts: { accepted: 1, duplicate: 0.5, refused: 0.5 },
    requests: 1,
    unavailable: 0.5,
    ack: { count: 1, p50: 0.004, p99: 0.004 },
    http: { count: 2, p50: 0.1, p99: 0.2 },
  });
  nowMs = 3_000;
  expect(traffic.describe()).toMatchObject({ seconds: 1, requests: 0, ack: undefined });
});
