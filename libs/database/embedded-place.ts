import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canEnter, databaseAccount, letThrough, type Account } from '#database/embedded-account.ts';
import { copyOfBinaries, embeddedBinaries } from '#database/embedded-binaries.ts';

export interface EmbeddedPlace {
  account: Account | undefined;
  /** PostgreSQL's own directory; made by the first start. */
  cluster: string;
  /** Holds bin/postgres and bin/initdb. */
  binaries: string;
}

/**
 * Settles who runs the database and where its files are: in `home`, or, where the account PostgreSQL runs as can't get
 * there (a checkout in /root), under `outside`, which is then written to `home` so that the next start finds it.
 */
export function embeddedPlace(home: string, outside: string, say: (line: string) => void): EmbeddedPlace {
  const pointer = join(home, 'postgres.location');
  const inside = join(home, 'postgres');
  let cluster = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : inside;
  const account = databaseAccount(existsSync(cluster) ? cluster : undefined, say);
  if (account !== undefined && canEnter(account, dirname(home))) letThrough(home);
  if (cluster === inside && !canEnter(account, home)) {
    cluster = join(outside, randomBytes(6).toString('hex'), 'postgres');
    writeFileSync(pointer, `${cluster}\n`, { mode: 0o600 });
    say(`The user PostgreSQL runs as can't enter ${home}: the database is kept in ${cluster}`);
  }
  refuseForeign(cluster);
  if (account !== undefined && cluster !== inside) {
    mkdirSync(outside, { recursive: true, mode: 0o755 });
    mkdirSync(join(cluster, '..'), { recursive: true, mode: 0o711 });
  }
  const built = embeddedBinaries();
  const reachable = canEnter(account, join(built.root, 'bin'));
  return {
    account,
    cluster,
    binaries: reachable ? built.root : copyOfBinaries(built, cluster === inside ? join(home, 'bin') : outside),
  };
}

function refuseForeign(cluster: string): void {
  const me = process.getuid?.() ?? 0;
  if (me === 0 || !existsSync(cluster)) return;
  if (statSync(cluster).uid !== me) {
    throw new Error(
      `the database in ${cluster} belongs to another user; start as that user, or set DATA_DIR to another directory`,
    );
  }
}
