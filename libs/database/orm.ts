import { MikroORM, type Options } from '@mikro-orm/postgresql';

export type { EntityManager } from '@mikro-orm/postgresql';

/** The object-relational mapper of one process. Take `em.fork()` for each request or job. */
export async function openOrm(config: Options, databaseUrl: string, { max = 4 } = {}): Promise<MikroORM> {
  return MikroORM.init({
    ...config,
    clientUrl: databaseUrl,
    pool: { min: 0, max },
    driverOptions: {
      // Of `clientUrl` only the place and the role are read: what it says of TLS would be lost.
      connectionString: databaseUrl,
      application_name: 'portcullis-orm',
      statement_timeout: 10_000,
      query_timeout: 11_000,
      connectionTimeoutMillis: 2_000,
      keepAlive: true,
    },
  });
}
