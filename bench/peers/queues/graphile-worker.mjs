import { Logger, makeWorkerUtils, run } from 'graphile-worker';

const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(`graphile-worker: ${message}`);
});

export async function openProducer({ databaseUrl }) {
  const utils = await makeWorkerUtils({ connectionString: databaseUrl, maxPoolSize: 10, logger });
  await utils.migrate();
  return { add: (key, body) => utils.addJob('effect', { key, body }, { maxAttempts: 10 }) };
}

/** Jobs taken and completed in batches, as its page on performance advises. */
export async function work({ databaseUrl }, effects) {
  const batches = { localQueue: { size: 17 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  await run({
    preset: { worker: { concurrentJobs: 16, ...batches } },
    logger,
    connectionString: databaseUrl,
    maxPoolSize: 10,
    noHandleSignals: true,
    taskList: { effect: ({ key }) => effects.apply(key) },
  });
}

/** Jobs that it still holds. */
export async function waiting({ query }) {
  const { rows } = await query('select count(*)::int as jobs from graphile_worker._private_jobs');
  return rows[0].jobs;
}
