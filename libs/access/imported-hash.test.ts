import { describe, expect, it } from 'vitest';
import { faultOfHash, schemeOf } from '#access/imported-hash.ts';

const SALT = 'ADaMBq5mUuAX.wnyyaK6ye';
const HASH = 'Kx5x7K75X.1Vc0Az0DTbZXn5J6VUZoO';
const bcrypt = (start: string): string => `${start}${SALT}${HASH}`;
const OUTPUT = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const argon2 = (start: string, salt = 'c29tZXNhbHQ', output = OUTPUT): string => `${start}$${salt}$${output}`;

describe('an imported hash is taken', () => {
  it.each([
    ['bcrypt', bcrypt('$2a$04$')],
    ['bcrypt', bcrypt('$2b$10$')],
    ['bcrypt', bcrypt('$2y$14$')],
    ['argon2id', argon2('$argon2id$v=19$m=19456,t=2,p=1')],
    ['argon2id', argon2('$argon2id$v=19$m=65536,t=3,p=4')],
    ['argon2id', argon2('$argon2id$v=19$m=131072,t=4,p=1')],
    ['argon2i', argon2('$argon2i$v=19$m=102400,t=2,p=8')],
    ['argon2d', argon2('$argon2d$v=16$m=8,t=1,p=1')],
    ['argon2i', argon2('$argon2i$m=65536,t=2,p=1')],
  ])('%s: %s', (scheme, hash) => {
    expect(faultOfHash(hash)).toBeUndefined();
    expect(schemeOf(hash)).toBe(scheme);
  });
});

describe('an imported hash is refused', () => {
  it.each([
    ['nothing', '', 'is neither'],
    ['a password', 'hunter2', 'is neither'],
    ['MD5 crypt', '$1$abcdefgh$hIBpKpXZZsyzMzfzJMcZV1', 'is neither'],
    ['SHA-512 crypt', '$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/', 'is neither'],
    ['bcrypt of the wrong kind', bcrypt('$2x$10$'), 'is neither'],
    ['the first bcrypt', bcrypt('$2$10$'), 'is neither'],
    ['bcrypt that is cut off', bcrypt('$2b$10$').slice(0, -1), 'is neither'],
    ['bcrypt with a line break', `${bcrypt('$2b$10$')}\n`, 'is neither'],
    ['bcrypt with more behind it', `${bcrypt('$2b$10$')}:x`, 'is neither'],
    ['bcrypt with bits too many in its salt', bcrypt('$2b$10$').replace('K6ye', 'K6yf'), 'is neither'],
    ['bcrypt with bits too many in its hash', `${bcrypt('$2b$10$').slice(0, -1)}P`, 'is neither'],
    ['bcrypt of a cost of one digit', bcrypt('$2b$9$'), 'is neither'],
    ['bcrypt that is too cheap', bcrypt('$2b$03$'), 'a bcrypt cost of 3: 4 to 14'],
    ['bcrypt that takes seconds', bcrypt('$2b$15$'), 'a bcrypt cost of 15: 4 to 14'],
    ['bcrypt that takes days', bcrypt('$2b$31$'), 'a bcrypt cost of 31: 4 to 14'],
    ['argon2 that takes all memory', argon2('$argon2id$v=19$m=4294967295,t=1,p=1'), '4294967295 KiB of argon2 memory'],
    ['argon2 just past the memory', argon2('$argon2id$v=19$m=131073,t=1,p=1'), 'at most 131072 are taken'],
    ['argon2 of many passes', argon2('$argon2id$v=19$m=65536,t=9,p=1'), 'at most 524288 KiB in all'],
    ['argon2 of a billion cheap passes', argon2('$argon2id$v=19$m=8,t=1000000000,p=1'), 'at most 524288 KiB in all'],
    ['argon2 of many lanes', argon2('$argon2id$v=19$m=65536,t=1,p=17'), '17 argon2 lanes'],
    ['argon2 of too little memory', argon2('$argon2id$v=19$m=31,t=1,p=4'), 'less argon2 memory'],
    ['argon2 of no pass', argon2('$argon2id$v=19$m=64,t=0,p=1'), 'is neither'],
    ['argon2 of another version', argon2('$argon2id$v=20$m=64,t=1,p=1'), 'is neither'],
    ['argon2 with a key', argon2('$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA'), 'is neither'],
    ['argon2 in another order', argon2('$argon2id$v=19$t=1,m=64,p=1'), 'is neither'],
    ['argon2 with a leading zero', argon2('$argon2id$v=19$m=064,t=1,p=1'), 'is neither'],
    ['argon2 with padding', argon2('$argon2id$v=19$m=64,t=1,p=1', 'c29tZXNhbHQ='), 'is neither'],
    ['argon2 with bits too many', argon2('$argon2id$v=19$m=64,t=1,p=1', 'c29tZXNhbHR'), 'an argon2 salt that is no'],
    ['argon2 of a short salt', argon2('$argon2id$v=19$m=64,t=1,p=1', 'c29tZQ'), 'an argon2 salt of 4 bytes'],
    ['argon2 of a long salt', argon2('$argon2id$v=19$m=64,t=1,p=1', 'c'.repeat(88)), 'an argon2 salt of 66 bytes'],
    [
      'argon2 of a short hash',
      argon2('$argon2id$v=19$m=64,t=1,p=1', 'c29tZXNhbHQ', 'AAAAAA'),
      'an argon2 hash of 4 bytes',
    ],
    ['argon2 the way Django keeps it', argon2('argon2$argon2id$v=19$m=64,t=1,p=1'), 'is neither'],
  ])('%s', (_, hash, fault) => {
    const said = faultOfHash(hash)?.replace('an argon2', 'an argon2');
    expect(said).toContain(fault);
    expect(said).not.toContain(OUTPUT);
    expect(said).not.toContain(HASH);
  });
});
