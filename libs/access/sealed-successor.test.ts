import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { openKeyring } from '#access/keyring.ts';
import { openSuccessor, sealSuccessor } from '#access/sealed-successor.ts';

const keyring = openKeyring(['the first secret of this test 0001']);
const rotation = {
  sessionId: '01930000-0000-7000-8000-000000000001',
  generation: 3,
  parentSecret: randomBytes(32),
};
const successor = randomBytes(32);
const sealed = sealSuccessor(keyring.first, rotation, successor);

it('opens with the parent, and says which keys the successor was made with', () => {
  expect(openSuccessor(keyring, rotation, sealed)).toEqual({ keys: keyring.first, secret: successor });
});

it('holds the successor nowhere in the clear', () => {
  expect(sealed.includes(successor)).toBe(false);
});

it.each([
  ['another parent', { parentSecret: randomBytes(32) }],
  ['another generation', { generation: 4 }],
  ['another session', { sessionId: '01930000-0000-7000-8000-000000000002' }],
])('does not open with %s', (_, changed) => {
  expect(() => openSuccessor(keyring, { ...rotation, ...changed }, sealed)).toThrow('unable to authenticate');
});

it('does not open with the parent alone, without the secret of the server', () => {
  expect(openSuccessor(openKeyring(['another secret altogether, of 0002']), rotation, sealed)).toBeUndefined();
});

it('opens no seal that was changed', () => {
  for (let at = 8; at < sealed.length; at += 5) {
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(() => openSuccessor(keyring, rotation, changed)).toThrow('unable to authenticate');
  }
});
