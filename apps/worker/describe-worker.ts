import type { RunningConsumer } from '#queue/consumer.ts';
import type { ScanGuard } from '#uploads/scan-guard.ts';
import type { ScannerState } from './standing-alarms.ts';

/** What a worker's heartbeat says of one queue. */
export function describeConsumer(consumer: RunningConsumer) {
  const { queue, running, done, failed } = consumer;
  return { queue, running, done, failed, isHealthy: consumer.isHealthy() };
}

/** What a worker's heartbeat says of its scanner. */
export function openScannerDescription(guard: ScanGuard): () => ScannerState {
  let wasReady = guard.state.isReady;
  let sinceMs = Date.now();
  guard.onChange(({ isReady }) => {
    if (isReady !== wasReady) sinceMs = Date.now();
    wasReady = isReady;
  });
  return () => {
    const { state } = guard;
    return {
      isReady: state.isReady,
      why: state.isReady ? null : state.why,
      sinceSeconds: Math.round((Date.now() - sinceMs) / 1_000),
      signatures: state.isReady ? state.signatures.version : null,
    };
  };
}
