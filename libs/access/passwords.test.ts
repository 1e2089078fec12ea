import { hashSync, verify } from '@node-rs/argon2';
import { hashSync as bcrypt, verifySync as verifyBcrypt } from '@node-rs/bcrypt';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { HashKind } from '#access/answer-floor.ts';
import { faultOfHash } from '#access/imported-hash.ts';
import { openKeyring } from '#access/keyring.ts';
import { openPasswords, type Passwords } from '#access/passwords.ts';

const PASSWORD = 'otters juggle in moonlight';
let plain: Passwords;
beforeAll(async () => {
  plain = await openPasswords(undefined, { ms: 0, note: () => undefined });
});

describe('a password hash', () => {
  it('is argon2id at OWASP parameters, with a salt of its own', async () => {
    const [one, other] = [await plain.make(PASSWORD), await plain.make(PASSWORD)];
    expect(one.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(one.hash).not.toBe(other.hash);
    expect(one.pepperId).toBeNull();
  });

  it('agrees with the published vector of the reference implementation', async () => {
    const hash = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await verify(hash, 'password')).toBe(true);
    expect(await plain.isRight({ hash, pepperId: null }, 'password')).toBe(true);
    expect(await plain.isRight({ hash, pepperId: null }, 'Password')).toBe(false);
  });

  it.each([
    ['the last of 128 characters', 'x'.repeat(127) + 'a', 'x'.repeat(127) + 'b'],
    ['what follows the 72nd byte', 'y'.repeat(72) + '1', 'y'.repeat(72) + '2'],
    ['what follows a null character', 'before\0after-one', 'before\0after-two'],
    ['spaces at the edges', ' spaces at the edge ', 'spaces at the edge'],
    ['case', 'correct horse', 'Correct horse'],
    ['composition of compatibility characters', 'ﬁfteen characters', 'fifteen characters'],
  ])('tells %s', async (_, password, other) => {
    const stored = await plain.make(password);
    expect(await plain.isRight(stored, password)).toBe(true);
    expect(await plain.isRight(stored, other)).toBe(false);
  });

  it('is the same however a keyboard composes its accents', async () => {
    const stored = await plain.make('\u00e9clair au caf\u00e9');
    expect(await plain.isRight(stored, 'e\u0301clair au cafe\u0301')).toBe(true);
  });

  it('is never right where nothing is stored, and costs the same work', async () => {
    const running: number[] = [];
    const checked = plain.isRight(undefined, PASSWORD);
    running.push(plain.gate.running);
    expect(await checked).toBe(false);
    expect(running).toEqual([1]);
  });
});

describe('the pepper', () => {
  it('is needed to verify, by the id that the hash names', async () => {
    const peppered = await openPasswords(openKeyring(['pepper number one 01']));
    const stored = await peppered.make(PASSWORD);
    expect(await peppered.isRight(stored, PASSWORD)).toBe(true);
    expect(await plain.isRight(stored, PASSWORD)).toBe(false);
    expect(await plain.isRight({ ...stored, pepperId: null }, PASSWORD)).toBe(false);
    const rotated = await openPasswords(openKeyring(['pepper number two 02', 'pepper number one 01']));
    expect(await rotated.isRight(stored, PASSWORD)).toBe(true);
    expect(rotated.isOutdated(stored)).toBe(true);
    expect(rotated.isOutdated(await rotated.make(PASSWORD))).toBe(false);
  });

  it('is added to hashes from before at the next sign-in', async () => {
    const peppered = await openPasswords(openKeyring(['pepper number one 01']));
    const stored = await plain.make(PASSWORD);
    expect(await peppered.isRight(stored, PASSWORD)).toBe(true);
    expect(peppered.isOutdated(stored)).toBe(true);
    expect(plain.isOutdated(stored)).toBe(false);
  });
});

const small = { memoryCost: 1_024, timeCost: 2, parallelism: 1 };
const imported: [string, (password: string) => string][] = [
  ...(['$2a$', '$2b$', '$2y$'] as const).map((prefix): [string, (password: string) => string] => [
    `bcrypt ${prefix}`,
    (password) => prefix + bcrypt(password, 4).slice(4),
  ]),
  // The numbers of algorithms and versions, whose enumerations are types only.
  ...[0, 1, 2].flatMap((algorithm) =>
    [0, 1].map((version): [string, (password: string) => string] => [
      `argon2${['d', 'i', 'id'][algorithm]} v=${version === 0 ? 16 : 19}`,
      (password) => hashSync(password, { ...small, algorithm, version }),
    ]),
  ),
  ['argon2 without a version', (password) => hashSync(password, { ...small, version: 0 }).replace('v=16$', '')],
  ['argon2id of four lanes', (password) => hashSync(password, { ...small, parallelism: 4 })],
];

describe('an imported hash', () => {
  it.each(imported)('is checked and renewed: %s', async (_, make) => {
    const stored = { hash: make(PASSWORD), pepperId: null };
    expect(faultOfHash(stored.hash)).toBeUndefined();
    expect(await plain.isRight(stored, PASSWORD)).toBe(true);
    expect(await plain.isRight(stored, `${PASSWORD}x`)).toBe(false);
    expect(plain.isOutdated(stored)).toBe(true);
    expect(plain.isOutdated(await plain.make(PASSWORD))).toBe(false);
  });

  it('is that of the published vectors of bcrypt', async () => {
    // From the test suite of crypt_blowfish (wrapper.c).
    const hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
    expect(await plain.isRight({ hash, pepperId: null }, 'U*U')).toBe(true);
    expect(await plain.isRight({ hash, pepperId: null }, 'U*U*')).toBe(false);
  });

  it('of bcrypt knows 72 bytes, until it is renewed', async () => {
    const long = 'y'.repeat(72);
    const stored = { hash: bcrypt(`${long}1`, 4), pepperId: null };
    expect(await plain.isRight(stored, `${long}2`)).toBe(true);
    expect(await plain.isRight(stored, long.slice(1))).toBe(false);
    const renewed = await plain.make(`${long}1`);
    expect(await plain.isRight(renewed, `${long}2`)).toBe(false);
  });

  it('of bcrypt is right for no password with a null character, although the algorithm would take some', async () => {
    const stored = { hash: bcrypt('otters', 4), pepperId: null };
    expect(verifyBcrypt('otters\0otters', stored.hash)).toBe(true);
    expect(await plain.isRight(stored, 'otters\0otters')).toBe(false);
    expect(await plain.isRight(stored, 'otters\0')).toBe(false);
    expect(await plain.isRight(stored, 'otters')).toBe(true);
  });

  it('makes every check last as long, so that time does not tell who was imported', async () => {
    const kinds: HashKind[] = [];
    const passwords = await openPasswords(undefined, { ms: 150, note: (kind) => kinds.push(kind) });
    onTestFinished(() => passwords.close());
    const imported = { hash: bcrypt(PASSWORD, 4), pepperId: null };
    for (const stored of [undefined, await passwords.make(PASSWORD), imported]) {
      for (const password of [PASSWORD, 'wrong']) {
        const startedMs = performance.now();
        await passwords.isRight(stored, password);
        // Timers may be a millisecond early.
        expect(performance.now() - startedMs).toBeGreaterThan(148);
      }
    }
    expect(kinds).toEqual(['own', 'own', 'own', 'own', 'foreign', 'foreign']);
    expect(passwords.gate.running).toBe(0);
  });
});

it.each([
  ['less memory', '$argon2id$v=19$m=8192,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', true],
  ['fewer passes', '$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', true],
  ['more memory', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', false],
])('judges whether a hash is outdated: %s', (_, hash, isOutdated) => {
  expect(plain.isOutdated({ hash, pepperId: null })).toBe(isOutdated);
});
