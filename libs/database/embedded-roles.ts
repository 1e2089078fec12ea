import { Client } from 'pg';

export const OWNER = 'portcullis_owner';
export const APP = 'portcullis';
export const DATABASE = 'portcullis';

export interface EmbeddedPasswords {
  superuser: string;
  owner: string;
  app: string;
}

/** Makes the database and its two roles where they are missing, and sets the roles' passwords. */
export async function makeRoles(superuserUrl: string, passwords: EmbeddedPasswords): Promise<void> {
  const client = new Client({ connectionString: superuserUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    for (const [role, password] of [
      [OWNER, passwords.owner],
      [APP, passwords.app],
    ] as const) {
      const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role]);
      if (rowCount === 0) await client.query(`create role ${role}`);
      await client.query(`alter role ${role} with login password ${client.escapeLiteral(password)}`);
    }
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE} owner ${OWNER}`);
    await client.query(`revoke all on database ${DATABASE} from public`);
    await client.query(`grant connect, temporary on database ${DATABASE} to ${APP}`);
  } finally {
    await client.end();
  }
}
