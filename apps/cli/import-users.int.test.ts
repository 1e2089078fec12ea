import { hashSync as argon2 } from '@node-rs/argon2';
import { hashSync as bcrypt } from '@node-rs/bcrypt';
import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openPasswords, type Passwords } from '#access/passwords.ts';
import { signIn } from '#access/sign-in.ts';
import { openTestAccess, testClient } from '#testing/access.ts';
import { runAs } from '#testing/database-template.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

/** Shorter than any that could be set here. */
const WEAK = 'hunter2';
const small = { memoryCost: 1_024, timeCost: 2, parallelism: 1 };
const HASH = bcrypt(WEAK, 4);

let database: TestDatabase;
let passwords: Passwords;
beforeAll(async () => {
  database = await openTestDatabase();
  passwords = await openPasswords(undefined);
});
afterAll(async () => {
  await passwords.close();
  await database[Symbol.asyncDispose]();
});

function user(
  args: readonly string[],
  input: string | Buffer = '',
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['apps/cli/user.ts', ...args],
      { env: { DATABASE_URL: database.url, DATA_DIR: '/nonexistent' } },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

const line = (email: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({ email, name: 'X', passwordHash: HASH, ...more });
const row = async (email: string) =>
  (await database.pool.query('select * from app_user where email = $1', [email])).rows[0];
const eventsOf = async (id: string) =>
  (await database.pool.query('select * from security_event where target_id = $1 order by id', [id])).rows;
const signsIn = (email: string, password = WEAK) =>
  signIn(openTestAccess(database.pool, { passwords }), { email, password, client: testClient });

describe('an import', () => {
  it('takes over people, who sign in with the passwords they had, however weak, and are hashed anew by it', async () => {
    const kinds: Record<string, string> = {
      bcrypt: HASH,
      argon2id: argon2(WEAK, small),
      argon2i: argon2(WEAK, { ...small, algorithm: 1 }),
      argon2d: argon2(WEAK, { ...small, algorithm: 0 }),
    };
    const file = Object.entries(kinds).map(([kind, passwordHash]) =>
      JSON.stringify({ email: `${kind}@Example.com`, name: kind, role: 'agent', passwordHash }),
    );
    expect(await user(['import', '-'], file.join('\n'))).toEqual({ code: 0, err: '', out: '4 users were imported\n' });
    for (const kind of Object.keys(kinds)) {
      const before = await row(`${kind}@example.com`);
      expect(before).toMatchObject({ name: kind, role: 'agent', password_hash: kinds[kind], disabled_at: null });
      await expect(signsIn(`${kind}@example.com`, 'hunter3')).rejects.toMatchObject({ code: 'login-failed' });
      expect((await row(`${kind}@example.com`)).password_hash).toBe(kinds[kind]);
      expect((await signsIn(`${kind}@example.com`)).user).toMatchObject({ name: kind, role: 'agent' });
      const after = await row(`${kind}@example.com`);
      expect(after.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      expect(after.password_changed_at).toEqual(before.password_changed_at);
      await signsIn(`${kind}@example.com`);
      expect((await row(`${kind}@example.com`)).password_hash).toBe(after.password_hash);
      const [created] = await eventsOf(after.id);
      expect(created).toMatchObject({
        type: 'user.created',
        actor_kind: 'system',
        details: { role: 'agent', imported: kind, disabled: false },
      });
    }
  });

  it('lets in nobody who was disabled, and tells that to nobody', async () => {
    await user(['import', '-'], line('gone@example.com', { disabled: true }));
    await expect(signsIn('gone@example.com')).rejects.toMatchObject({ code: 'login-failed' });
    const { id, password_hash: hash } = await row('gone@example.com');
    expect(hash).toBe(HASH);
    expect((await eventsOf(id)).map(({ type, details }) => [type, details.disabled])).toEqual([
      ['user.created', true],
      ['login.failed', undefined],
    ]);
  });

  it('renews a hash once, of twenty sign-ins at the same moment', async () => {
    await user(['import', '-'], line('busy@example.com'));
    await runAs(
      database.ownerUrl,
      `create table renewal (hash text);
       create function note_renewal() returns trigger language plpgsql security definer as
         $$ begin insert into renewal values (new.password_hash); return new; end $$;
       create trigger renewal after update of password_hash on app_user for each row execute function note_renewal();
       grant select on renewal to public`,
    );
    const all = await Promise.all(Array.from({ length: 20 }, () => signsIn('busy@example.com')));
    expect(new Set(all.map(({ user }) => user.email))).toEqual(new Set(['busy@example.com']));
    const { rows } = await database.pool.query('select hash from renewal');
    expect(rows).toEqual([{ hash: (await row('busy@example.com')).password_hash }]);
    await runAs(database.ownerUrl, 'drop function note_renewal cascade; drop table renewal');
  });

  it('changes nothing when it is repeated, also after a password was changed', async () => {
    const file = join(await mkdtemp(join(inject('services').scratch, 'import-')), 'users.jsonl');
    const lines = Array.from({ length: 1_203 }, (_, index) => line(`many-${index}@example.com`));
    await writeFile(file, `\ufeff${lines.join('\r\n')}\r\n\r\n`);
    expect(await user(['import', file])).toEqual({ code: 0, err: '', out: '1203 users were imported\n' });
    await user(['password', 'many-7@example.com'], 'badgers paint by moonlight');
    const before = await database.pool.query('select * from app_user order by id');
    const events = await database.pool.query('select count(*) from security_event');
    const again = await user(['import', file]);
    expect(again).toEqual({
      code: 0,
      err: '',
      out: '0 users were imported\n1203 are there already, and stay as before\n',
    });
    expect((await database.pool.query('select * from app_user order by id')).rows).toEqual(before.rows);
    expect((await database.pool.query('select count(*) from security_event')).rows).toEqual(events.rows);
  });

  it('names every faulty line and imports nothing, unless told to leave them out', async () => {
    const file = [
      line('one@example.com'),
      line('two@example.com', { passwordHash: HASH.replace('$04$', '$31$') }),
      `{"email":"three@example.com","passwordHash":"${HASH}"`,
      line('ONE@example.com'),
      Buffer.from([0xff, 0xfe]),
      line('x'.repeat(9_000)),
      line('four@example.com', { role: 'root', name: undefined }),
      line('five@example.com'),
    ].flatMap((part) => [Buffer.from(part), Buffer.from('\n')]);
    const err = [
      'line 2: passwordHash has a bcrypt cost of 31: 4 to 14 are taken',
      'line 3: is no JSON',
      'line 4: has the address of line 1',
      'line 5: is no UTF-8',
      'line 6: is too long',
      'line 7: name is missing or no text; role is not one of user, agent, admin',
      '',
    ].join('\n');
    const strict = await user(['import', '-'], Buffer.concat(file));
    expect(strict.code).toBe(1);
    expect(strict.err).toBe(`${err}nothing was imported: mend these lines, or leave them out with --skip-faulty\n`);
    expect(await row('one@example.com')).toBeUndefined();
    const lenient = await user(['import', '-', '--skip-faulty'], Buffer.concat(file));
    expect(lenient).toEqual({ code: 0, err, out: '2 users were imported\n6 left out\n' });
    expect(await row('one@example.com')).toBeDefined();
    expect(await row('five@example.com')).toBeDefined();
  });

  it("keeps an account, whose events can't be written, out", async () => {
    const owned = (sql: string) => runAs(database.ownerUrl, `alter table security_event ${sql}`);
    await owned(`add constraint no_more check (type <> 'user.created') not valid`);
    const refused = await user(['import', '-'], line('traceless@example.com'));
    await owned('drop constraint no_more');
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('0 users were imported before this: repeating it takes the rest\n');
    expect(refused.err).not.toContain(HASH);
    expect(await row('traceless@example.com')).toBeUndefined();
  });

  it.each<[string, string[], RegExp]>([
    ['no file', ['import'], /the second argument is a file/],
    ['a file that is not there', ['import', '/nonexistent/users.jsonl'], /ENOENT/],
  ])('asks for %s', async (_, args, message) => {
    const answer = await user(args);
    expect(answer.code).toBe(2);
    expect(answer.err).toMatch(message);
  });

  it('is told of by --help', async () => {
    const { code, out, err } = await user(['--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^npm run user -- list\n/);
    expect(out).toContain('import <file>|- [--skip-faulty]');
  });
});
