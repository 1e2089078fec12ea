import { Counter, Gauge, type Registry } from 'prom-client';
import type { Outcome } from '#limits/dynamic-limiter.ts';
import type { LimitObserver } from './limit.ts';

export interface LimitMetrics {
  decided: LimitObserver['decided'];
  awayChanged(isAway: boolean): void;
}

/** Decisions since the metrics were last read. */
type Tally = Record<Outcome, { local: number; redis: number }>;

/** Labels are names of policies and outcomes, of which there are few. */
export function openLimitMetrics(registry: Registry, loadFactor: () => number): LimitMetrics {
  const registers = [registry];
  const tallies = new Map<string, Tally>();
  registry.registerMetric(
    new Counter({
      name: 'portcullis_limit_decisions_total',
      help: 'Decisions of the limits by policy, outcome and whether this process decided alone.',
      labelNames: ['policy', 'outcome', 'store'],
      registers: [],
      // Finding a counter by its labels costs more than a decision does.
      collect() {
        for (const { policy, outcome, store, count } of countsOf(tallies)) this.inc({ policy, outcome, store }, count);
        tallies.clear();
      },
    }),
  );
  const losses = new Counter({
    name: 'portcullis_limit_redis_losses_total',
    help: 'How often the Redis of the limits was lost.',
    registers,
  });
  const away = new Gauge({
    name: 'portcullis_limit_redis_away',
    help: 'Whether the limits do without Redis at the moment.',
    registers,
  });
  registry.registerMetric(
    new Gauge({
      name: 'portcullis_limit_load_factor',
      help: 'The part of their quotas that load leaves to callers.',
      registers: [],
      collect() {
        this.set(loadFactor());
      },
    }),
  );
  return {
    decided(policy, outcome, isLocal) {
      let tally = tallies.get(policy);
      if (tally === undefined) {
        tally = emptyTally();
        tallies.set(policy, tally);
      }
      tally[outcome][isLocal ? 'local' : 'redis'] += 1;
    },
    awayChanged(isAway) {
      away.set(isAway ? 1 : 0);
      if (isAway) losses.inc();
    },
  };
}

const emptyTally = (): Tally => ({
  allowed: { local: 0, redis: 0 },
  exceeded: { local: 0, redis: 0 },
  abnormal: { local: 0, redis: 0 },
  shed: { local: 0, redis: 0 },
});

function* countsOf(tallies: ReadonlyMap<string, Tally>) {
  for (const [policy, tally] of tallies) {
    for (const [outcome, counts] of Object.entries(tally)) {
      for (const [store, count] of Object.entries(counts)) {
        if (count > 0) yield { policy, outcome, store, count };
      }
    }
  }
}
