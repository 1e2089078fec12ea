import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openFailureRatio } from '#limits/failure-ratio.ts';
import { openLimiter } from '#limits/limiter.ts';
import { openSignInLimit, type SignInAlarm, type SignInTry } from '#limits/sign-in-limit.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

let n = 0;
let alarms: SignInAlarm[] = [];
let limit: ReturnType<typeof openSignInLimit>;
beforeEach(() => {
  n += 1;
  alarms = [];
  const onAlarm = (alarm: SignInAlarm): void => void alarms.push(alarm);
  limit = openSignInLimit({
    pool: database.pool,
    limiter: openLimiter(),
    ratio: openFailureRatio({ onHigh: (counts) => onAlarm({ type: 'login.attacked', details: counts }) }),
    onAlarm,
  });
});

const addressOf = (number: number): string => `198.18.${number >> 8}.${number & 255}/32`;

async function attempt(given: Partial<SignInTry> = {}) {
  return limit.consume({ account: `account-${n}`, knownDevice: undefined, addressPrefix: addressOf(1), ...given }).then(
    (granted) => ({ granted, policy: undefined }),
    (failure: { members?: Record<string, unknown> }) => ({
      granted: undefined,
      policy: String(failure.members?.['violated-policies']),
    }),
  );
}

async function attempts(times: number, given: (index: number) => Partial<SignInTry>): Promise<(string | undefined)[]> {
  const policies = [];
  for (let index = 0; index < times; index += 1) policies.push((await attempt(given(index))).policy);
  return policies;
}

const passed = (policies: readonly (string | undefined)[]): number =>
  policies.filter((policy) => policy === undefined).length;

describe('an account', () => {
  it('has five wrong attempts from everywhere together, and names the policy when they are used up', async () => {
    const policies = await attempts(6, (index) => ({ addressPrefix: addressOf(index) }));
    expect(policies).toEqual([undefined, undefined, undefined, undefined, undefined, 'sign-in']);
  });

  it('lets five of a hundred at once through', async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, index) => attempt({ addressPrefix: addressOf(index) })),
    );
    expect(passed(all.map(({ policy }) => policy))).toBe(5);
  });

  it('that strangers have locked still lets its own device in, which has five attempts of its own', async () => {
    await attempts(6, (index) => ({ addressPrefix: addressOf(index) }));
    const policies = await attempts(6, () => ({ knownDevice: `device-${n}` }));
    expect(policies).toEqual([undefined, undefined, undefined, undefined, undefined, 'sign-in-device']);
    expect((await attempt({ knownDevice: `other-${n}` })).policy).toBeUndefined();
  });

  it('that knows any number of devices has thirty wrong attempts on all of them together', async () => {
    const policies = await attempts(40, (index) => ({ knownDevice: `device-${n}-${index}` }));
    expect(passed(policies)).toBe(30);
    expect(policies.at(-1)).toBe('sign-in-devices');
    // Whoever has one of the devices has used up nothing of the strangers, and the other way round.
    expect((await attempt()).policy).toBeUndefined();
  });

  it('gets the points of its devices back from a success', async () => {
    for (let time = 0; time < 40; time += 1) {
      const { granted } = await attempt({ knownDevice: `device-${n}` });
      await granted?.refund(database.pool);
    }
    expect(passed(await attempts(40, (index) => ({ knownDevice: `device-${n}-${index}` })))).toBe(30);
  });

  it('gets its point back from a success, and nothing of what strangers used', async () => {
    await attempts(3, (index) => ({ addressPrefix: addressOf(index) }));
    const { granted } = await attempt();
    await granted?.refund(database.pool);
    expect(passed(await attempts(5, (index) => ({ addressPrefix: addressOf(index) })))).toBe(2);
  });
});

describe('an address', () => {
  it('has fifty wrong attempts, whatever the accounts, and its network ten times as many', async () => {
    const accounts = 10;
    const ofAddress = await attempts(60, (index) => ({
      account: `a-${n}-${index % accounts}`,
      addressPrefix: addressOf(7),
    }));
    expect(ofAddress.filter((policy) => policy === 'sign-in-address')).toHaveLength(10);
    const ofNetwork = await attempts(600, (index) => ({
      account: `b-${n}-${index}`,
      addressPrefix: addressOf(index % 200),
    }));
    expect(ofNetwork).toContain('sign-in-network');
  });

  it('that tries many accounts is stopped, noticed once, and gets no further by trying them again', async () => {
    const spray = (index: number) => ({ account: `spray-${n}-${index}` });
    const policies = await attempts(30, spray);
    expect(passed(policies)).toBe(20);
    expect(policies.slice(20)).toEqual(Array.from({ length: 10 }, () => 'sign-in-accounts'));
    expect((await attempt(spray(25))).policy).toBe('sign-in-accounts');
    expect(alarms).toEqual([{ type: 'login.sprayed', addressPrefix: addressOf(1), details: { accounts: 20 } }]);
  });

  it('of an office, where all sign in at nine, is not stopped', async () => {
    for (let index = 0; index < 200; index += 1) {
      const { granted } = await attempt({ account: `office-${n}-${index}` });
      await granted?.refund(database.pool);
    }
    expect((await attempt({ account: `office-${n}-last` })).policy).toBeUndefined();
    expect(alarms).toEqual([]);
  });
});

it('gives strangers fewer attempts while passwords are tried from many places, and known devices as many as ever', async () => {
  await attempts(120, (index) => ({ account: `botnet-${n}-${index}`, addressPrefix: `203.${index}.113.9/32` }));
  expect(alarms.map(({ type }) => type)).toEqual(['login.attacked']);
  expect(passed(await attempts(5, (index) => ({ addressPrefix: `198.${index}.100.1/32` })))).toBe(2);
  expect(passed(await attempts(5, () => ({ knownDevice: `device-${n}` })))).toBe(5);
});

it('notices passwords that are tried from many places, however many tries nobody has the time to look at', async () => {
  for (let index = 0; index < 120; index += 1) {
    const given = { account: `flood-${n}-${index}`, addressPrefix: `203.${index}.114.9/32` };
    for (let time = 0; time < 4; time += 1) await (await attempt(given)).granted?.withdraw(database.pool);
    await attempt(given);
  }
  await attempt();
  expect(alarms.map(({ type }) => type)).toEqual(['login.attacked']);
});

it('counts on through the loss of everything but the database', async () => {
  await attempts(5, (index) => ({ addressPrefix: addressOf(index) }));
  limit = openSignInLimit({
    pool: database.pool,
    limiter: openLimiter(),
    ratio: openFailureRatio(),
    onAlarm: () => undefined,
  });
  expect((await attempt()).policy).toBe('sign-in');
});

it('keeps no address and no account in the database but as what it was given', async () => {
  await attempt({ account: 'hashed-account' });
  const { rows } = await database.pool.query('select key from limiter_counter');
  for (const { key } of rows) expect(key).not.toMatch(/198\.18\./);
});
