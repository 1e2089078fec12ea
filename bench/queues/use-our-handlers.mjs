import { registerHooks } from 'node:module';

/** The worker takes its handlers from here instead of from the file that an application would edit. */
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './handlers.ts' && context.parentURL?.endsWith('/apps/worker/main.ts')
      ? next('../../bench/queues/our-handlers.ts', context)
      : next(specifier, context),
});
