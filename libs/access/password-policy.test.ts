import { describe, expect, it } from 'vitest';
import { openPasswordPolicy } from '#access/password-policy.ts';

const policy = openPasswordPolicy({ minLength: 15 });
const context = ['anna.berg@example.com', 'Anna Berg'];

describe('what the password policy refuses', () => {
  it.each([
    ['fourteen chars', 'fourteen-chars', 'too-short'],
    ['fifteen bytes of fewer characters', 'ééééééé1', 'too-short'],
    ['129 characters', 'x1'.repeat(64) + 'y', 'too-long'],
    ['a lone surrogate', 'correct horse battery\ud800', 'malformed'],
    ['a common password of that length', 'passwordpassword', 'common'],
    ['a common password in capitals', '1QAZ2WSX3EDC4RFV', 'common'],
    ['a common password and a number', 'sunshine20241231', 'common'],
    ['two common passwords', 'iloveyoubaseball', 'common'],
    ['look-alikes of one', 'p@ssw0rdp@ssw0rd', 'common'],
    ['one character all along', 'aaaaaaaaaaaaaaaaaaaa', 'common'],
    ['a repeated unit', 'abc1abc1abc1abc1abc1', 'common'],
    ['the alphabet', 'abcdefghijklmnop', 'common'],
    ['a keyboard row and its reverse', 'qwertyuioppoiuytrewq', 'common'],
    ['the e-mail address', 'anna.berg@example.com', 'common'],
    ['the name and a number', 'berg123456789012', 'common'],
    ['the name of this product', 'portcullis123456', 'common'],
  ])('%s', (_, password, fault) => {
    expect(policy.faultOf(password, context)).toBe(fault);
  });
});

describe('what the password policy accepts', () => {
  it.each([
    ['four unrelated words', 'correct horse battery staple'],
    ['lower case only', 'wobblymarmaladetrombone'],
    ['64 characters of any script', 'ищу тайный ключ от старого замка под дубом у реки в тумане рано 7'],
    ['leading and trailing spaces', '  kitten under stairs  '],
    ['emoji', 'otter 🦦 in the bath'],
    ['random characters', 'k7Q!vz2_Lm0pX#r'],
  ])('%s', (_, password) => {
    expect(policy.faultOf(password, context)).toBeUndefined();
  });

  it('judges the longest password in a blink', () => {
    const started = performance.now();
    policy.faultOf('aB3$'.repeat(31) + 'zzzx', context);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
