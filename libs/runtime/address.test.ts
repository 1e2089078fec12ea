import { describe, expect, it } from 'vitest';
import {
  addressPrefixOf,
  isLoopback,
  normalAddress,
  openClientAddress,
  openIsSecure,
  proxySettings,
  widerNetworkOf,
} from '#runtime/address.ts';
import type { IncomingMessage } from 'node:http';
import { ConfigError, readConfig } from '#runtime/config.ts';

describe('addressPrefixOf', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9/32'],
    ['::ffff:203.0.113.9', '203.0.113.9/32'],
    ['2001:db8:1:2ff:3::4', '2001:db8:1:200::/56'],
    ['fe80::1%eth0', 'fe80::/56'],
    ['nonsense', '0.0.0.0/32'],
  ])('counts %s under %s', (address, prefix) => {
    expect(addressPrefixOf(address)).toBe(prefix);
  });
});

it.each([
  ['203.0.113.9/32', '203.0.113.0/24'],
  ['2001:db8:1:200::/56', '2001:db8:1::/48'],
])('counts %s within %s', (prefix, network) => {
  expect(widerNetworkOf(prefix)).toBe(network);
});

describe('whether a request came over TLS', () => {
  const isSecure = openIsSecure(['10.0.0.0/8']);
  it.each([
    ['a trusted proxy says so', { remoteAddress: '10.0.0.1' }, 'https', true],
    ['a trusted proxy says no', { remoteAddress: '10.0.0.1' }, 'http', false],
    ['anybody else says so', { remoteAddress: '203.0.113.9' }, 'https', false],
    ['nobody says so', { remoteAddress: '10.0.0.1' }, undefined, false],
    ['it did', { remoteAddress: '203.0.113.9', encrypted: true }, undefined, true],
  ])('%s', (_, socket, proto, expected) => {
    const headers = proto === undefined ? {} : { 'x-forwarded-proto': proto };
    expect(isSecure({ socket, headers } as unknown as IncomingMessage)).toBe(expected);
  });
});

describe('the client address', () => {
  const clientAddress = openClientAddress(['10.0.0.0/8', 'fd00::/8']);

  it.each([
    ['an untrusted peer is the client, whatever it claims', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a trusted proxy names the client', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['what a client put in front of the proxy is not believed', '10.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['a chain of trusted proxies is followed', '10.0.0.1', '198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['rubbish ends the walk at the last known hop', '10.0.0.1', '198.51.100.1, rubbish', '10.0.0.1'],
    ['no header leaves the proxy', '10.0.0.1', undefined, '10.0.0.1'],
    ['a mapped peer is matched as IPv4', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ])('%s', (_title, peer, header, expected) => {
    expect(clientAddress(peer, header)).toBe(expected);
  });

  it('trusts nobody by default', () => {
    expect(openClientAddress([])('127.0.0.1', '198.51.100.1')).toBe('127.0.0.1');
  });
});

it.each(['true', '0.0.0.0/0', '10.0.0.0/8,::/0'])('refuses TRUST_PROXY=%s, which would believe everybody', (ranges) => {
  expect(() => readConfig(proxySettings, { TRUST_PROXY: ranges })).toThrow(ConfigError);
});

it('knows loopback and normal forms', () => {
  expect(isLoopback('::ffff:127.0.0.1')).toBe(true);
  expect(isLoopback('127.8.8.8')).toBe(true);
  expect(isLoopback('203.0.113.9')).toBe(false);
  expect(normalAddress('2001:DB8:0:0::1')).toBe('2001:db8::1');
  expect(normalAddress('x')).toBeUndefined();
});
