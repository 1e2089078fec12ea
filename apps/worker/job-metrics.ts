import { Counter, Gauge, type Registry } from 'prom-client';
import type { RunningConsumer } from '#queue/consumer.ts';

/** Shows what the consumers of this worker do. */
export function watchConsumers(registry: Registry, consumers: readonly RunningConsumer[]): void {
  const registers = [registry];
  const tries = new Counter({
    name: 'portcullis_job_tries_total',
    help: 'Tries of jobs that ended, by queue and outcome.',
    labelNames: ['queue', 'outcome'],
    registers,
    collect() {
      tries.reset();
      for (const { queue, done, failed } of consumers) {
        tries.inc({ queue, outcome: 'done' }, done);
        tries.inc({ queue, outcome: 'failed' }, failed);
      }
    },
  });
  const running = new Gauge({
    name: 'portcullis_jobs_running',
    help: 'Jobs in work, by queue.',
    labelNames: ['queue'],
    registers,
    collect() {
      for (const { queue, running: count } of consumers) running.set({ queue }, count);
    },
  });
  const healthy = new Gauge({
    name: 'portcullis_consumer_healthy',
    help: 'Whether the consumer of a queue hears from its store: 1 or 0.',
    labelNames: ['queue'],
    registers,
    collect() {
      for (const consumer of consumers) healthy.set({ queue: consumer.queue }, consumer.isHealthy() ? 1 : 0);
    },
  });
}
