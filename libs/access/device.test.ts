import { describe, expect, it } from 'vitest';
import { agentClassOf, deviceHashesOf, deviceHashOf, deviceLabelOf } from '#access/device.ts';
import { isDeviceOf, makeDeviceCookie } from '#access/device-cookie.ts';
import { openKeyring } from '#access/keyring.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

describe('the label of a device', () => {
  it.each([
    [FIREFOX, 'Firefox on Linux'],
    ['curl/8.5.0', 'curl/8.5.0'],
    ['', 'unknown'],
    [undefined, 'unknown'],
    ['evil\u001b[31m\r\nagent\u202e', 'evil[31magent'],
    ['<script>alert(1)</script>', '<script>alert(1)</script>'],
  ])('of %j is %j', (userAgent, label) => {
    expect(deviceLabelOf(userAgent)).toBe(label);
  });

  it('is never longer than 512 characters', () => {
    expect(deviceLabelOf('a'.repeat(65_536))).toHaveLength(512);
  });
});

describe('what a device is recognised by', () => {
  const old = openKeyring(['the first secret of this test 0001']);

  it('survives an update of the browser', () => {
    expect(agentClassOf(FIREFOX.replaceAll('140', '141'))).toEqual(agentClassOf(FIREFOX));
    expect(agentClassOf('app/1.2.3')).toEqual(agentClassOf('app/1.3'));
    expect(agentClassOf('curl/8')).not.toEqual(agentClassOf(FIREFOX));
  });

  it('differs between a cookie and an id of the same text', () => {
    const of = (kind: 'cookie' | 'id') => deviceHashOf(old.first, { kind, value: 'x' }).toString('hex');
    expect(of('cookie')).not.toBe(of('id'));
  });

  it('survives a change of SESSION_SECRET', () => {
    const device = { kind: 'id', value: 'device-1' } as const;
    const rotated = openKeyring(['the second secret of this test 002', 'the first secret of this test 0001']);
    expect(deviceHashesOf(rotated, device)).toContainEqual(deviceHashOf(old.first, device));
  });
});

describe('the device cookie', () => {
  const keyring = openKeyring(['the first secret of this test 0001']);
  const cookie = makeDeviceCookie(keyring, 'anna@example.com');

  it('is known to its account only', () => {
    expect(isDeviceOf(keyring, 'anna@example.com', cookie)).toBe(true);
    expect(isDeviceOf(keyring, 'eve@example.com', cookie)).toBe(false);
  });

  it.each([['made-up'], [''], [`${cookie}x`], [cookie.replace('v1', 'v2')]])(
    'is not adopted from outside: %j',
    (given) => {
      expect(isDeviceOf(keyring, 'anna@example.com', given)).toBe(false);
    },
  );
});
