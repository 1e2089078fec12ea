import type { QueueConnection } from '#queue/connection.ts';
import type { QueueContract } from '#queue/contract.ts';

/** Makes the store's schedules those that the contracts declare: new and changed ones are put, undeclared ones removed. Safe to call from several processes. */
export declare function declareSchedules(
  connection: QueueConnection,
  contracts: readonly QueueContract[],
): Promise<{ put: number; removed: number }>;
