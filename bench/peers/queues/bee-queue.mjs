import Queue from 'bee-queue';

const STALL_CHECK_MS = 2_000;

function open(redisUrl, isWorker) {
  const queue = new Queue('effects', {
    redis: { url: redisUrl },
    isWorker,
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: true,
  });
  queue.on('error', (error) => console.error(`bee-queue: ${error.message}`));
  return queue;
}

export async function openProducer({ redisUrl }) {
  const queue = open(redisUrl, false);
  await queue.ready();
  return { add: (key, body) => queue.createJob({ key, body }).retries(10).save() };
}

export async function work({ redisUrl }, effects) {
  const queue = open(redisUrl, true);
  await queue.ready();
  queue.checkStalledJobs(STALL_CHECK_MS, (error) => {
    if (error) console.error(`bee-queue: ${error.message}`);
  });
  queue.process(16, (job) => effects.apply(job.data.key));
}

/** Jobs that it still holds. */
export async function waiting({ redisUrl }) {
  const queue = open(redisUrl, false);
  try {
    const health = await queue.checkHealth();
    return health.waiting + health.active + health.delayed;
  } finally {
    await queue.close(0);
  }
}
