import { PgBoss } from 'pg-boss';

const QUEUE = 'effects';

/** Woken by NOTIFY, heartbeats at their shortest, the effect in the transaction that completes the job: pg-boss at its best. */
async function open(databaseUrl) {
  const watch = { superviseIntervalSeconds: 1, monitorIntervalSeconds: 1 };
  const boss = new PgBoss({ connectionString: databaseUrl, useListenNotify: true, ...watch });
  boss.on('error', (error) => console.error(`pg-boss: ${error.message}`));
  await boss.start();
  await boss.createQueue(QUEUE, { notify: true, heartbeatSeconds: 10, retryLimit: 10 });
  return boss;
}

export async function openProducer({ databaseUrl }) {
  const boss = await open(databaseUrl);
  return { add: (key, body) => boss.send(QUEUE, { key, body }) };
}

export async function work({ databaseUrl }, effects) {
  const boss = await open(databaseUrl);
  const options = { transactional: true, batchSize: 16, localConcurrency: 4, burstWhenBatchFull: true };
  await boss.work(QUEUE, options, async (jobs, transaction) => {
    const query = (text, values) => transaction.executeSql(text, values);
    for (const { data } of jobs) await effects.apply(data.key, query);
  });
}

/** Jobs that it still holds. */
export async function waiting({ query }) {
  const { rows } = await query(
    "select count(*)::int as jobs from pgboss.job where name = 'effects' and state < 'completed'",
  );
  return rows[0].jobs;
}
