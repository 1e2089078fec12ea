import type { MikroORM } from '@mikro-orm/postgresql';
import { openOrm } from '#database/orm.ts';
import config from '../../mikro-orm.config.ts';

/** The mapper on a test's database; `onStatement` gets each statement with its values. */
export async function openTestOrm(url: string, onStatement?: (sql: string) => void): Promise<MikroORM> {
  if (onStatement === undefined) return openOrm(config, url);
  const logger = (line: string): void => {
    const sql = /(?:select|insert|update|delete) .*(?= \[took)/s.exec(line)?.[0];
    if (sql !== undefined) onStatement(sql);
  };
  return openOrm({ ...config, debug: ['query', 'query-params'], colors: false, logger }, url);
}
