import { spawnSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';

/** Who PostgreSQL runs as; undefined: whoever we are. */
export interface Account {
  uid: number;
  gid: number;
}

const ACCOUNT_NAME = 'postgres';

/**
 * PostgreSQL refuses to run as root: root runs it as the system user `postgres`, which is made where there is none.
 * Where there is a database already, its owner runs it.
 */
export function databaseAccount(existing: string | undefined, say: (line: string) => void): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (existing !== undefined) {
    const { uid, gid } = statSync(existing);
    if (uid !== 0) return { uid, gid };
  }
  const account = accountNamed(ACCOUNT_NAME);
  if (account !== undefined) return account;
  say(`PostgreSQL does not run as root: making the system user ${ACCOUNT_NAME} for it`);
  const { status } = spawnSync(
    'useradd',
    [
      '--system',
      '--user-group',
      '--no-create-home',
      '--home-dir',
      '/nonexistent',
      '--shell',
      '/usr/sbin/nologin',
      ACCOUNT_NAME,
    ],
    { stdio: 'ignore', timeout: 30_000 },
  );
  const made = accountNamed(ACCOUNT_NAME);
  if (made === undefined) {
    throw new Error(
      `PostgreSQL does not run as root and the user ${ACCOUNT_NAME} could not be made (useradd: ${status}); start as an ordinary user, or set DATABASE_URL`,
    );
  }
  return made;
}

function accountNamed(name: string): Account | undefined {
  const numberOf = (option: string): number | undefined => {
    const { status, stdout } = spawnSync('id', [option, name], { encoding: 'utf8', timeout: 10_000 });
    return status === 0 ? Number(stdout) : undefined;
  };
  const [uid, gid] = [numberOf('-u'), numberOf('-g')];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** Whether the account may pass through a directory and everything above it. */
export function canEnter(account: Account | undefined, directory: string): boolean {
  if (account === undefined) return true;
  const test = ['-c', 'test -x "$1"', 'sh', directory];
  return spawnSync('/bin/sh', test, { ...account, cwd: '/', stdio: 'ignore', timeout: 10_000 }).status === 0;
}

/** Lets other accounts pass through a private directory, without seeing what is in it; what is in it has its own modes. */
export function letThrough(directory: string): void {
  chmodSync(directory, 0o711);
}
