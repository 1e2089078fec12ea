import { Counter, Gauge, type Registry } from 'prom-client';
import type { LimitObserver } from './limit.ts';

export interface LimitMetrics {
  decided: LimitObserver['decided'];
  awayChanged(isAway: boolean): void;
}

/** Labels are names of policies and outcomes, of which there are few. */
export function openLimitMetrics(registry: Registry, loadFactor: () => number): LimitMetrics {
  const registers = [registry];
  const decisions = new Counter({
    name: 'portcullis_limit_decisions_total',
    help: 'Decisions of the limits by policy, outcome and whether this process decided alone.',
    labelNames: ['policy', 'outcome', 'store'],
    registers,
  });
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
    decided: (policy, outcome, isLocal) => decisions.inc({ policy, outcome, store: isLocal ? 'local' : 'redis' }),
    awayChanged(isAway) {
      away.set(isAway ? 1 : 0);
      if (isAway) losses.inc();
    },
  };
}
