import { parse } from 'bowser';
import { createHmac } from 'node:crypto';
import type { Keyring, SecretKeys } from '#access/keyring.ts';

/** What a client is recognised by when it repeats a refresh: the strongest it offers. */
export interface Device {
  kind: 'cookie' | 'id' | 'agent';
  value: string;
}

const MAX_LABEL_LENGTH = 512;

/** A name for the list of sessions, such as `Firefox on Linux`; what no parser knows is shown as it came, made harmless. */
export function deviceLabelOf(userAgent: string | undefined): string {
  const plain = (userAgent ?? '').slice(0, MAX_LABEL_LENGTH).replaceAll(/\p{C}/gu, '').trim();
  if (plain === '') return 'unknown';
  const { browser, os } = parse(plain);
  if (browser.name === undefined || browser.name === '' || os.name === undefined) return plain;
  return `${browser.name} on ${os.name}`;
}

/** The class of a user agent, for clients that offer neither cookie nor device id. Versions change with updates. */
export function agentClassOf(userAgent: string | undefined): Device {
  return { kind: 'agent', value: deviceLabelOf(userAgent).replaceAll(/[\d.]+/g, '') };
}

/** What the database keeps of a device. */
export function deviceHashOf(keys: SecretKeys, device: Device): Buffer {
  return createHmac('sha256', keys.key('device')).update(`${device.kind}\0${device.value}`).digest();
}

/** Under every secret that verifies, so that a change of SESSION_SECRET makes no client a stranger. */
export function deviceHashesOf(keyring: Keyring, device: Device): Buffer[] {
  return keyring.all.map((keys) => deviceHashOf(keys, device));
}
