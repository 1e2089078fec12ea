import { activeAlerts } from '#audit/alert.ts';
import { trailState } from '#audit/trail-state.ts';
import { verifications } from '#audit/verification.ts';
import { clockSkew } from '#database/heartbeat.ts';
import { migrations } from '#database/migrations/list.ts';
import { openPool, type Pool } from '#database/pool.ts';
import { sweepStates } from '#queue/sweep-run.ts';
import { valueOf, type Environment } from '#runtime/config.ts';
import { unknown, well, worthALook, wrong, type Finding } from './finding.ts';

const MAX_SKEW_SECONDS = 2;
const LATE_SEAL_SECONDS = 60;
const SWEEP_PATIENCE_MS = 2 * 3_600_000;
/** Ingress 19, worker 19 and board 6 with the queue in PostgreSQL, as many while a release follows another, and tools. */
const WANTED_CONNECTIONS = 100;

/** Looks into PostgreSQL as the application does. */
export async function examineDatabase(env: Environment): Promise<Finding[]> {
  const url = valueOf('DATABASE_URL', env);
  if (url === undefined) return [unknown('the database: DATABASE_URL is not set, and nothing runs here')];
  const pool = openPool(url, { name: 'doctor', max: 2, onError: () => undefined });
  try {
    await pool.query('select 1');
  } catch {
    await pool.end();
    return [wrong('the database does not answer', 'start it, or correct DATABASE_URL')];
  }
  try {
    const findings = await schema(pool);
    const isMigrated = findings.every(({ state }) => state === 'well');
    const looks = isMigrated ? [role, server, clock, trail, work] : [server, clock];
    for (const look of looks) findings.push(...(await look(pool)));
    return findings;
  } finally {
    await pool.end();
  }
}

async function schema(pool: Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ known: boolean }>("select to_regclass('schema_migration') is not null as known");
  if (rows[0]?.known !== true) return [wrong('the database was never migrated', 'node apps/migrate/main.ts')];
  const applied = await pool.query<{ name: string }>('select name from schema_migration');
  const names = new Set(applied.rows.map(({ name }) => name));
  const missing = migrations.filter(({ name }) => !names.has(name)).map(({ name }) => name);
  if (missing.length > 0) return [wrong(`migrations are missing: ${missing.join(', ')}`, 'node apps/migrate/main.ts')];
  return [well('every migration is applied')];
}

async function role(pool: Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ role: string; super: boolean; owns: boolean; may: boolean }>(`
    select current_user as role, r.rolsuper as super,
      pg_has_role(current_user, c.relowner, 'usage') as owns,
      has_table_privilege('security_event', 'update') or has_table_privilege('security_event', 'delete') as may
    from pg_roles r, pg_class c where r.rolname = current_user and c.oid = to_regclass('security_event')`);
  const [found] = rows;
  if (found === undefined) return [];
  const fix = 'make two roles as docker-compose.yml does: MIGRATE_DATABASE_URL owns, DATABASE_URL only uses';
  if (found.super) return [wrong(`the role ${found.role} is a superuser`, fix)];
  if (found.owns || found.may)
    return [worthALook(`the role ${found.role} could change security events; only the trigger stops it`, fix)];
  return [well(`the role ${found.role} can't change security events`)];
}

async function server(pool: Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings
     where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'max_connections', 'server_encoding')`,
  );
  const setting = new Map(rows.map(({ name, setting: value }) => [name, value]));
  const findings = ['fsync', 'synchronous_commit', 'full_page_writes']
    .filter((name) => setting.get(name) === 'off')
    .map((name) => wrong(`PostgreSQL runs with ${name} off: what was acknowledged can be lost`, `set ${name} = on`));
  if (setting.get('server_encoding') !== 'UTF8')
    findings.push(wrong('the database is not UTF8', 'make a new one with encoding UTF8'));
  const connections = Number(setting.get('max_connections'));
  if (connections < WANTED_CONNECTIONS) {
    findings.push(
      worthALook(
        `PostgreSQL takes ${connections} connections`,
        `set max_connections to ${WANTED_CONNECTIONS} or more, and 20 more for each further process`,
      ),
    );
  }
  return findings.length > 0 ? findings : [well('PostgreSQL keeps what it has committed')];
}

async function clock(pool: Pool): Promise<Finding[]> {
  const skew = await clockSkew(pool);
  return Math.abs(skew) > MAX_SKEW_SECONDS
    ? [wrong(`this clock is ${skew} s away from the database's`, 'let both machines follow NTP')]
    : [well("this clock and the database's agree")];
}

async function trail(pool: Pool): Promise<Finding[]> {
  const [state, walks] = await Promise.all([trailState(pool), verifications(pool)]);
  const broken = walks.find(({ fault }) => fault !== null);
  if (broken !== undefined)
    return [
      wrong(
        'the audit trail is not as it was sealed',
        'npm run audit -- verify says where; save the database before anything else',
      ),
    ];
  if (state.oldestUnsealedSeconds > LATE_SEAL_SECONDS) {
    return [
      wrong(
        `security events wait for a seal: ${state.unsealed}`,
        'start a worker for the queue audit; look for transactions that stay open',
      ),
    ];
  }
  return [well(`security events are sealed: ${state.sealed}`)];
}

async function work(pool: Pool): Promise<Finding[]> {
  const findings = (await activeAlerts(pool)).map(({ rule, subject }) =>
    worthALook(`alert: ${rule} (${subject})`, 'docs/ops/runbook.md says what to do'),
  );
  for (const { name, begunAt, succeededAt, lastError } of await sweepStates(pool)) {
    if (Date.now() - (succeededAt ?? begunAt).getTime() < SWEEP_PATIENCE_MS) continue;
    findings.push(
      wrong(
        `the sweep ${name} has not succeeded for two hours${lastError === null ? '' : `: ${lastError}`}`,
        'start a worker for the queue sweeps',
      ),
    );
  }
  return findings.length > 0 ? findings : [well('no alert is active, and the sweeps run')];
}
