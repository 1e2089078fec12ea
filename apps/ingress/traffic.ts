import { openRecentValues, type Distribution } from '#runtime/recent-values.ts';

/** What this process did since its last heartbeat; rates are per second, latencies in seconds. */
export interface TrafficDescription {
  seconds: number;
  receipts: { accepted: number; duplicate: number; refused: number };
  requests: number;
  unavailable: number;
  ack: Distribution | undefined;
  http: Distribution | undefined;
}

export interface Traffic {
  received(verdict: string): void;
  acknowledged(seconds: number): void;
  answered(seconds: number, status: number): void;
  describe(): TrafficDescription;
}

/** Counts what goes through this process, for its heartbeat. */
export function openTraffic(now: () => number = Date.now): Traffic {
  const acks = openRecentValues();
  const answers = openRecentValues();
  let receipts = { accepted: 0, duplicate: 0, refused: 0 };
  let requests = 0;
  let unavailable = 0;
  let sinceMs = now();
  return {
    received(verdict) {
      if (verdict === 'duplicate') receipts.duplicate += 1;
      else if (verdict.startsWith('refused')) receipts.refused += 1;
      else if (verdict !== 'limited') receipts.accepted += 1;
    },
    acknowledged: (seconds) => acks.add(seconds),
    answered(seconds, status) {
      requests += 1;
      if (status === 503) unavailable += 1;
      answers.add(seconds);
    },
    describe() {
      const seconds = Math.max(0.001, (now() - sinceMs) / 1_000);
      const rate = (count: number): number => Math.round((count / seconds) * 1_000) / 1_000;
      const described = {
        seconds,
        receipts: {
          accepted: rate(receipts.accepted),
          duplicate: rate(receipts.duplicate),
          refused: rate(receipts.refused),
        },
        requests: rate(requests),
        unavailable: rate(unavailable),
        ack: acks.take(),
        http: answers.take(),
      };
      receipts = { accepted: 0, duplicate: 0, refused: 0 };
      requests = unavailable = 0;
      sinceMs = now();
      return described;
    },
  };
}
