import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { record } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { verifyRegularly } from '#audit/verification.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runAs } from '#testing/database-template.ts';
import { hasRedis, redisUrl } from '#testing/redis.ts';
import { s3Credentials, startTestS3, type S3Fault, type TestS3 } from '#testing/s3.ts';
import type { Zone } from '#uploads/storage.ts';
import { examineBackups } from './doctor/examine-backups.ts';
import { examineDatabase } from './doctor/examine-database.ts';
import { examineDoors } from './doctor/examine-doors.ts';
import { examineQueue } from './doctor/examine-queue.ts';
import { examineRepository } from './doctor/examine-repository.ts';
import { examineScanner } from './doctor/examine-scanner.ts';
import { examineSecrets } from './doctor/examine-secrets.ts';
import { examineStorage } from './doctor/examine-storage.ts';
import type { Finding } from './doctor/finding.ts';

const never = new AbortController().signal;
const GOOD = 'q7Vd2mXo-4fTz9WkRb1LsYc8Hn3JpEu6';
const DAY_S = 86_400;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-doctor-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const told = (findings: readonly Finding[]): string[] => findings.map(({ state, text }) => `${state}: ${text}`);

describe('secrets', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a short one', { BOARD_PASSWORD: 'short' }, 'wrong: BOARD_PASSWORD is too short: at least 16 bytes'],
    [
      'a well-known one',
      { SESSION_SECRET: 'changeme-changeme-changeme-changeme' },
      'wrong: SESSION_SECRET is too weak: a well-known or repeating value',
    ],
    [
      'equal ones',
      { SESSION_SECRET: GOOD, CSRF_SECRET: GOOD },
      'wrong: CSRF_SECRET has the same value as SESSION_SECRET',
    ],
    [
      'equal ones in lists',
      { WEBHOOK_SECRET_SHOP: `new:${GOOD}x,old:${GOOD}`, BOARD_PASSWORD: GOOD },
      'wrong: BOARD_PASSWORD has the same value as WEBHOOK_SECRET_SHOP',
    ],
    [
      'a rotation that is not over',
      { SESSION_SECRET: `${GOOD},${GOOD}x` },
      'worth-a-look: SESSION_SECRET names 2 secrets: a rotation is not over',
    ],
    ['good ones', { SESSION_SECRET: GOOD, CSRF_SECRET: `${GOOD}x` }, 'well: 2 secrets are strong and differ'],
  ])('finds %s, and shows no secret', (_, env, text) => {
    const findings = examineSecrets({ DATA_DIR: directory, ...env });
    expect(told(findings)).toContain(text);
    expect(JSON.stringify(findings)).not.toContain(GOOD);
  });

  it.each([
    ['SESSION_SECRET', 'session-secret'],
    ['CSRF_SECRET', 'csrf-secret'],
    ['WHATSAPP_APP_SECRET', 'webhook whatsapp'],
    ['WOOALERTS_WEBHOOK_SECRET', 'webhook wooalerts'],
    ['WEBHOOK_SECRET_MY_SHOP', 'webhook my-shop'],
  ])('says how the rotation of %s ends', (name, what) => {
    const findings = examineSecrets({ DATA_DIR: directory, [name]: `${GOOD},${GOOD}x` });
    expect(findings.map(({ fix }) => fix)).toEqual([`npm run rotate -- ${what} --drop ends it`]);
  });

  it('reads secrets from files, and those that npm start has generated, with their age and their mode', () => {
    const file = join(directory, 'secret');
    writeFileSync(file, 'short');
    const path = join(directory, 'secrets.json');
    writeFileSync(path, JSON.stringify({ settings: { CSRF_SECRET: 'password' } }));
    chmodSync(path, 0o644);
    const longAgo = Date.now() / 1_000 - 366 * DAY_S;
    utimesSync(path, longAgo, longAgo);
    expect(told(examineSecrets({ DATA_DIR: directory, BOARD_PASSWORD_FILE: file }))).toEqual([
      'wrong: CSRF_SECRET is too short: at least 16 bytes',
      'wrong: BOARD_PASSWORD is too short: at least 16 bytes',
      `worth-a-look: the secrets in ${path} are 366 days old`,
      `wrong: ${path} can be read by others`,
    ]);
  });
});

describe('the history of git', () => {
  const git = (...args: string[]): void => {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com'];
    execFileSync('git', [...identity, '-C', directory, ...args], { stdio: 'ignore' });
  };

  it('finds a file with secrets that was committed once and removed since', async () => {
    git('init');
    mkdirSync(join(directory, 'deploy'));
    writeFileSync(join(directory, 'deploy/.env'), 'A=1');
    writeFileSync(join(directory, '.env.example'), 'A=');
    git('add', '--all');
    git('commit', '-m', 'first');
    git('rm', 'deploy/.env');
    git('commit', '-m', 'second');
    expect(told(await examineRepository(directory))).toEqual(['wrong: deploy/.env is in the history of git']);
  });

  it('is content with an example, and knows where there is no git', async () => {
    expect(told(await examineRepository(directory))).toEqual(['unknown: the history of git: there is none here']);
    git('init');
    writeFileSync(join(directory, '.env.example'), 'A=');
    git('add', '--all');
    git('commit', '-m', 'first');
    expect(told(await examineRepository(directory))).toEqual(['well: no file with secrets is in the history of git']);
  });
});

describe('the database', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await openTestDatabase();
  });
  afterEach(() => database[Symbol.asyncDispose]());
  const examine = async (url = database.url) => told(await examineDatabase({ DATABASE_URL: url }));

  it('finds what the tests run with, and nothing else', async () => {
    expect(await examine()).toEqual([
      'well: every migration is applied',
      "well: the role portcullis can't change security events",
      'wrong: PostgreSQL runs with fsync off: what was acknowledged can be lost',
      'wrong: PostgreSQL runs with full_page_writes off: what was acknowledged can be lost',
      "well: this clock and the database's agree",
      'well: security events are sealed: 0',
      'well: no alert is active, and the sweeps run',
    ]);
  });

  it('finds roles that may do too much', async () => {
    expect(await examine(database.ownerUrl)).toContain(
      'worth-a-look: the role portcullis_owner could change security events; only the trigger stops it',
    );
    expect(await examine(database.superuserUrl)).toContain('wrong: the role postgres is a superuser');
  });

  it('finds migrations that are missing, and a database without any', async () => {
    await runAs(database.ownerUrl, "delete from schema_migration where name = 'm0004-uploads'");
    expect(await examine()).toContain('wrong: migrations are missing: m0004-uploads');
    const empty = await openTestDatabase({ empty: true });
    onTestFinished(() => empty[Symbol.asyncDispose]());
    await expect(examine(empty.url)).resolves.toContain('wrong: the database was never migrated');
  });

  it('finds a broken trail, late seals, alerts and overdue sweeps', async () => {
    await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous' }]);
    await sealAll(database.pool, never);
    await runAs(
      database.superuserUrl,
      `set session_replication_role = replica; update security_event set count = 2;
       insert into sweep_run (name, begun_at) values ('receipts', now() - interval '3 hours');
       insert into audit_alert values ('rows-dead', 'receipts', 'warning', now(), now(), null, '{}')`,
    );
    await verifyRegularly(database.pool, never);
    expect(await examine()).toEqual(
      expect.arrayContaining([
        'wrong: the audit trail is not as it was sealed',
        'worth-a-look: alert: rows-dead (receipts)',
        'wrong: the sweep receipts has not succeeded for two hours',
      ]),
    );
  });

  it('finds that it is away', async () => {
    expect(await examine('postgres://a:b@127.0.0.1:1/x')).toEqual(['wrong: the database does not answer']);
  });
});

describe('the queue', () => {
  it.skipIf(!hasRedis())('finds what the Redis of the tests has', async () => {
    const findings = told(await examineQueue({ QUEUE_URL: await redisUrl() }));
    expect(findings.length).toBeGreaterThan(0);
    expect(findings).not.toContain('wrong: the Redis of the queue does not answer');
    expect(told(await examineQueue({ REDIS_URL: await redisUrl() }))).toContain(
      'well: the Redis of the limits answers',
    );
  });

  it('finds that it is away, or in PostgreSQL', async () => {
    expect(told(await examineQueue({ QUEUE_URL: 'redis://127.0.0.1:1' }))).toEqual([
      'wrong: the Redis of the queue does not answer',
    ]);
    expect(told(await examineQueue({}))).toEqual(['well: the queue is in PostgreSQL']);
    expect(told(await examineQueue({ QUEUE_URL: 'rediss://127.0.0.1?ca=/nonexistent.pem' }))).toEqual([
      "wrong: QUEUE_URL can't read the file that ca names",
    ]);
    expect(told(await examineQueue({ REDIS_URL: 'redis://127.0.0.1:1' }))).toEqual([
      'well: the queue is in PostgreSQL',
      'wrong: the Redis of the limits does not answer',
    ]);
  });
});

it('finds no scanner, and one that is away', async () => {
  expect(told(await examineScanner({}))).toEqual(['worth-a-look: no scanner is set: uploads wait in quarantine']);
  expect(told(await examineScanner({ CLAMD_URL: 'tcp://127.0.0.1:1' }))).toEqual(['wrong: clamd does not answer']);
});

describe('the storage', () => {
  let s3: TestS3;
  beforeEach(async () => {
    s3 = await startTestS3();
  });
  afterEach(() => s3[Symbol.asyncDispose]());
  const examine = async (env: Record<string, string> = {}) => told(await examineStorage({ ...s3.settings, ...env }));

  /** What a store answers that knows all of S3's questions. */
  function configure(zone: Zone, answers: Record<string, S3Fault>): void {
    const before = s3.fault;
    s3.fault = (request) => (request.zone === zone ? answers[request.operation] : undefined) ?? before(request);
  }
  const versioning = (status: string) => ({
    GetBucketVersioning: { xml: `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>` },
  });
  const policy = (isPublic: boolean) => ({
    GetBucketPolicyStatus: { xml: `<PolicyStatus><IsPublic>${isPublic}</IsPublic></PolicyStatus>` },
  });
  const rule = (prefix: string, action: string) => ({
    GetBucketLifecycleConfiguration: {
      xml: `<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>${prefix}</Prefix></Filter>${action}</Rule></LifecycleConfiguration>`,
    },
  });
  const EXPIRES = '<Expiration><Days>30</Days></Expiration>';

  it('is a disk, or two buckets that are as they should be', async () => {
    expect(told(await examineStorage({}))).toEqual(['well: uploaded files lie on the disk of DATA_DIR']);
    configure('quarantine', { ...policy(false), ...versioning('Suspended') });
    configure('clean', {
      ...policy(false),
      ...versioning('Enabled'),
      ...rule('', '<NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration>'),
    });
    expect(await examine()).toEqual([
      'well: the bucket test-quarantine answers, and not to everyone',
      'well: the bucket test-clean answers, and not to everyone',
    ]);
  });

  it('finds buckets that everyone can read, by their policy or by trying', async () => {
    configure('quarantine', policy(true));
    configure('clean', { ListObjectsV2: { xml: '<ListBucketResult/>' } });
    expect(await examine()).toEqual(
      expect.arrayContaining(['wrong: the bucket test-quarantine is public', 'wrong: the bucket test-clean is public']),
    );
  });

  it('finds versions where infected files are, and none where clean ones are', async () => {
    configure('quarantine', versioning('Enabled'));
    configure('clean', versioning('Suspended'));
    expect(await examine()).toEqual(
      expect.arrayContaining([
        'worth-a-look: the bucket test-clean keeps no versions: what is deleted there is gone',
        'worth-a-look: the bucket test-quarantine keeps versions, also of what was infected',
      ]),
    );
  });

  it('finds lifecycle rules that delete uploads, and no others', async () => {
    configure('quarantine', rule('logs/', EXPIRES));
    configure('clean', rule('', EXPIRES));
    const findings = await examine();
    expect(findings.filter((text) => text.includes('lifecycle'))).toEqual([
      'wrong: a lifecycle rule deletes files from the bucket test-clean',
    ]);
  });

  it('finds buckets that are not there, shut or away, settings that do not fit, and shows no key', async () => {
    const missing = await examine({ S3_CLEAN_BUCKET: 'nowhere-to-be-found' });
    expect(missing).toContain("wrong: the bucket nowhere-to-be-found can't be used: NotFound");
    s3.fault = () => ({ status: 403, code: 'AccessDenied' });
    expect((await examine())[0]).toMatch(/^wrong: the bucket test-quarantine can't be used: /);
    await s3.away();
    const findings = await examine();
    expect(findings[0]).toBe("wrong: the bucket test-quarantine can't be used: ECONNREFUSED");
    expect(JSON.stringify(findings)).not.toContain(s3Credentials.secretAccessKey);
    expect(await examine({ S3_CLEAN_BUCKET: 'test-quarantine' })).toEqual([
      expect.stringMatching(/^wrong: S3_CLEAN_BUCKET: is the bucket of the quarantine/),
    ]);
  });
});

describe('backups', () => {
  const backUp = (name: string, hoursAgo: number, isWhole = true): void => {
    mkdirSync(join(directory, name));
    const madeAt = new Date(Date.now() - hoursAgo * 3_600_000).toISOString();
    const manifest = { format: 1, madeAt, migrations: [], tables: [], files: [], seal: null };
    writeFileSync(join(directory, name, 'manifest.json'), isWhole ? JSON.stringify(manifest) : '{');
  };
  const examine = async () => told(await examineBackups({}, directory));

  it('are looked at by the newest whole one', async () => {
    expect(await examine()).toEqual([`worth-a-look: there is no backup in ${directory}`]);
    backUp('a', 200);
    backUp('half', 1, false);
    expect(await examine()).toEqual([`wrong: the newest backup in ${directory} is 8 days old`]);
    backUp('b', 30);
    expect(await examine()).toEqual([`worth-a-look: the newest backup in ${directory} is 30 hours old`]);
    backUp('c', 2);
    expect(await examine()).toEqual([`well: the newest backup in ${directory} is 2 hours old`]);
  });
});

describe('open doors', () => {
  async function door(handler: RequestListener): Promise<string> {
    const server = createServer(handler).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const answering = (status: number) => door((_, response) => response.writeHead(status).end());

  it('finds a board and metrics that anybody gets to see', async () => {
    const findings = told(await examineDoors({}, { board: await answering(200), ingress: await answering(200) }));
    expect(findings).toEqual([
      'wrong: the board answers 200 to whoever asks',
      'wrong: /metrics answers 200 to whoever asks',
      'well: the ingress is ready',
    ]);
  });

  it('is content with what is shut', async () => {
    const ingress = await door((request, response) => response.writeHead(request.url === '/metrics' ? 403 : 503).end());
    expect(told(await examineDoors({}, { board: await answering(401), ingress }))).toEqual([
      'well: the board asks for a password',
      'well: metrics are not for everyone',
      'wrong: the ingress is not ready (503)',
    ]);
  });

  it.each([302, 429, 502])('makes nothing of a door that answers %i', async (status) => {
    const [board, ingress] = [await answering(status), await answering(status)];
    expect(told(await examineDoors({}, { board, ingress })).slice(0, 2)).toEqual([
      `unknown: the board: ${board} answers ${status}${status === 429 ? ', as after wrong passwords' : ''}`,
      `unknown: metrics: ${ingress}/metrics answers ${status}`,
    ]);
  });

  it.each([
    [
      { PUBLIC_URL: 'http://in.example.com' },
      'wrong: PUBLIC_URL is not https: passwords and tokens go over the network in the clear',
    ],
    [{ BOARD_HOST: '0.0.0.0' }, 'worth-a-look: the board listens on 0.0.0.0'],
  ])('finds %j', async (env, text) => {
    const nowhere = 'http://127.0.0.1:1';
    expect(told(await examineDoors(env, { board: nowhere, ingress: nowhere }))).toContain(text);
  });
});

it('exits 1 and names a fix for everything that is wrong', async () => {
  const { code, out } = await new Promise<{ code: number; out: string }>((resolve) => {
    const env = {
      DATABASE_URL: 'postgres://a:b@127.0.0.1:1/x',
      DATA_DIR: directory,
      PORT: '1',
      BOARD_PORT: '1',
      PATH: '/usr/bin:/bin',
    };
    execFile(process.execPath, ['apps/cli/doctor.ts'], { env }, (error, text) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: text }),
    );
  });
  expect(code).toBe(1);
  expect(out).toContain('✗ the database does not answer\n  → start it, or correct DATABASE_URL\n');
  const lines = out.split('\n');
  for (const [at, line] of lines.entries()) expect(line.startsWith('✗') ? lines[at + 1] : '  → ').toMatch(/^ {2}→ /);
});
