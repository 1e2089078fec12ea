import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { Actor } from '#access/context.ts';
import { canonicalEmail } from '#access/email.ts';
import { endSessions } from '#access/end-session.ts';
import { openKeyring } from '#access/keyring.ts';
import { openPasswordPolicy } from '#access/password-policy.ts';
import { openPasswords } from '#access/passwords.ts';
import { issueReset } from '#access/reset-password.ts';
import { passwordSettings } from '#access/settings.ts';
import { ROLES, type Role } from '#access/user.ts';
import { changeUser, createUser, listUsers, userByAddress, type User, type UserContext } from '#access/users.ts';
import { record } from '#audit/record.ts';
import { databaseSettings, openPool } from '#database/pool.ts';
import { environment, readConfig, valueOf } from '#runtime/config.ts';
import { isFailure } from '#runtime/failure.ts';
import { findRunningSystem, type RunningSystem } from './running-system.ts';
import { importFile } from './import-users.ts';
import { runTool, say } from './run-tool.ts';
import { UsageError } from './usage-error.ts';

const USAGE = `npm run user -- list
npm run user -- create <e-mail> --name … [--role user|agent|admin] [--password-stdin]
npm run user -- import <file>|- [--skip-faulty]
npm run user -- reset <e-mail>
npm run user -- password <e-mail> < password
npm run user -- disable <e-mail>
npm run user -- enable <e-mail>
npm run user -- sign-out <e-mail> | --everyone

  create     makes a user (of role user) and prints a link to set a password, or reads the password with --password-stdin
  import     takes over users with the hashes of their passwords: JSON Lines of { email, name, passwordHash, role?, disabled? }
             with bcrypt ($2a$, $2b$, $2y$; cost 4 to 14) or argon2 ($argon2id$, $argon2i$, $argon2d$; at most 128 MiB).
             Who is there already stays as they are. Nothing is imported if a line is faulty; --skip-faulty leaves it out
  reset      prints a link to set a password: it works once, for an hour
  password   reads a password from the standard input, sets it and ends the user's sessions
  disable    ends the user's sessions and lets them in no more; enable takes it back
  sign-out   ends all sessions of a user, or of everyone`;

const SYSTEM: Actor = { actorKind: 'system' };

interface Tool {
  context: UserContext;
  system: RunningSystem;
  /** What stands behind the command. */
  subject: string | undefined;
  name: string | undefined;
  role: Role;
  readsPassword: boolean;
  everyone: boolean;
  skipsFaulty: boolean;
}

/** Each may say that not all went well, having told what did not. */
const commands: Record<string, (tool: Tool) => Promise<void | boolean>> = {
  async list(tool) {
    for await (const user of everyUser(tool)) {
      say(`${user.email}  ${user.role}${user.disabledAt === null ? '' : '  disabled'}`);
    }
  },
  async create(tool) {
    const email = emailOf(tool);
    if (tool.name === undefined) throw new UsageError('--name is missing');
    const password = tool.readsPassword ? await readPassword() : undefined;
    const user = await createUser(tool.context, { email, name: tool.name, role: tool.role, password }, SYSTEM);
    say(`created ${user.email} (${user.role})`);
    if (password === undefined) await sayLink(tool, user);
  },
  async import({ context, subject, skipsFaulty }) {
    if (subject === undefined) throw new UsageError('the second argument is a file, or - for the standard input');
    return importFile(context, { path: subject, skipsFaulty });
  },
  async password(tool) {
    const user = await userOf(tool);
    await changeUser(tool.context, user.id, { password: await readPassword() }, SYSTEM);
    say(`the password of ${user.email} was set; their sessions have ended`);
  },
  async reset(tool) {
    await sayLink(tool, await userOf(tool));
  },
  async disable(tool) {
    const user = await userOf(tool);
    await changeUser(tool.context, user.id, { disabled: true }, SYSTEM);
    say(`${user.email} is disabled; their sessions have ended`);
  },
  async enable(tool) {
    const user = await userOf(tool);
    await changeUser(tool.context, user.id, { disabled: false }, SYSTEM);
    say(`${user.email} is enabled`);
  },
  async 'sign-out'(tool) {
    const users = tool.everyone ? everyUser(tool) : [await userOf(tool)];
    let count = 0;
    for await (const { id: userId } of users) {
      count += await endSessions(tool.context, { userId, reason: 'ended-by-admin', actor: SYSTEM });
    }
    say(`${count} session${count === 1 ? ' has' : 's have'} ended`);
  },
};

await runTool(USAGE, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      role: { type: 'string', default: 'user' },
      'password-stdin': { type: 'boolean', default: false },
      everyone: { type: 'boolean', default: false },
      'skip-faulty': { type: 'boolean', default: false },
    },
  });
  const [command = '', subject, ...more] = positionals;
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined || more.length > 0) throw new UsageError('what is to be done?');
  const role = ROLES.find((known) => known === values.role);
  if (role === undefined) throw new UsageError(`--role is one of ${ROLES.join(', ')}`);
  const system = findRunningSystem(environment());
  const context = await openContext(system);
  try {
    const { name, everyone, 'password-stdin': readsPassword, 'skip-faulty': skipsFaulty } = values;
    return (await run({ context, system, subject, name, role, readsPassword, everyone, skipsFaulty })) ?? true;
  } catch (error) {
    if (!isFailure(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return false;
  } finally {
    await context.passwords.close();
    await context.pool.end();
  }
});

async function openContext({ env }: RunningSystem): Promise<UserContext> {
  const config = readConfig({ ...databaseSettings, ...passwordSettings }, env);
  const pepper = config.PASSWORD_PEPPER === undefined ? undefined : openKeyring(config.PASSWORD_PEPPER);
  return {
    pool: openPool(config.DATABASE_URL, { name: 'user-tool', max: 1, onError: () => undefined }),
    record,
    passwords: await openPasswords(pepper),
    passwordPolicy: openPasswordPolicy({ minLength: config.PASSWORD_MIN_LENGTH }),
    onEnded: () => undefined,
  };
}

function emailOf({ subject }: Tool): string {
  const canonical = canonicalEmail(subject ?? '');
  if (canonical === undefined) throw new UsageError('the second argument is an e-mail address');
  return canonical;
}

async function userOf(tool: Tool): Promise<User> {
  const email = emailOf(tool);
  const user = await userByAddress(tool.context.pool, email);
  if (user === undefined) throw new UsageError(`there is no user ${email}`);
  return user;
}

async function* everyUser({ context }: Tool): AsyncGenerator<User> {
  let cursor: string | undefined;
  do {
    const page = await listUsers(context.pool, { limit: 200, cursor });
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** A link to the console's page for it; its secret stands after #, so that it gets into no log on its way. */
async function sayLink({ context, system }: Tool, user: User): Promise<void> {
  const secret = await issueReset(context, { userId: user.id, actor: SYSTEM });
  const origin = valueOf('PUBLIC_URL', system.env) ?? system.ingress;
  say(new URL(`/console/reset#${secret}`, origin).href);
}

async function readPassword(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}
