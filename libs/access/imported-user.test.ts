import { expect, it } from 'vitest';
import { readImportedUser } from '#access/imported-user.ts';

const passwordHash = '$2b$10$ADaMBq5mUuAX.wnyyaK6yeKx5x7K75X.1Vc0Az0DTbZXn5J6VUZoO';
const anna = { email: 'Anna@Exämple.com', name: ' Anna ', passwordHash };

it('reads a person, of role user and enabled unless it says otherwise', () => {
  const email = 'anna@xn--exmple-cua.com';
  expect(readImportedUser(JSON.stringify(anna))).toEqual({
    user: { email, name: 'Anna', role: 'user', passwordHash, disabled: false },
  });
  expect(readImportedUser(JSON.stringify({ ...anna, role: 'agent', disabled: true }))).toMatchObject({
    user: { role: 'agent', disabled: true },
  });
});

it.each<[string, string, string[]]>([
  ['no JSON', `{"passwordHash":"${passwordHash}"`, ['is no JSON']],
  ['a text', `"${passwordHash}"`, ['is no JSON object']],
  ['a list', `[${JSON.stringify(anna)}]`, ['is no JSON object']],
  ['null', 'null', ['is no JSON object']],
  [
    'nothing at all',
    '{}',
    ['email is missing or no text', 'name is missing or no text', 'passwordHash is missing or no text'],
  ],
  [
    'everything wrong',
    JSON.stringify({ email: 'anna', name: '', role: 'root', passwordHash: 1, disabled: 'no', plan: 1 }),
    [
      'email is no e-mail address',
      'name is empty',
      'role is not one of user, agent, admin',
      'passwordHash is missing or no text',
      'disabled is neither true nor false',
      'has an unknown member plan',
    ],
  ],
  ['a long name', JSON.stringify({ ...anna, name: 'x'.repeat(201) }), ['name has more than 200 characters']],
  ['a name that hides something', JSON.stringify({ ...anna, name: 'A\u202eb' }), ['name holds control characters']],
  ['a hash as a member', JSON.stringify({ ...anna, [passwordHash]: 1 }), ['has an unknown member']],
  [
    'a dear hash',
    JSON.stringify({ ...anna, passwordHash: passwordHash.replace('$10$', '$20$') }),
    ['passwordHash has a bcrypt cost of 20: 4 to 14 are taken'],
  ],
])('says all that is wrong, and nothing of the hash: %s', (_, line, faults) => {
  const read = readImportedUser(line);
  expect(read).toEqual({ faults });
  expect(JSON.stringify(read)).not.toContain(passwordHash.slice(7));
});
