import { createPrivateKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

/** Files in PEM. */
export interface Certificates {
  ca: string;
  cert: string;
  key: string;
}

/** RFC 5280 section 4.1 in the few types of DER (X.690) that it takes. */
const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const size = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const octets = (content: Buffer): Buffer => der(0x04, content);
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content);
const utcTime = (atMs: number): Buffer =>
  der(
    0x17,
    Buffer.from(
      new Date(atMs)
        .toISOString()
        .replace(/^..|[-T:]|\..*$/g, '')
        .concat('Z'),
    ),
  );
const TRUE = der(0x01, Buffer.from([0xff]));
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const BASIC_CONSTRAINTS = oid('551d13');
const SUBJECT_ALT_NAME = oid('551d11');
const DAY_MS = 24 * 3_600_000;

const nameOf = (name: string): Buffer => sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(name)))));

interface Wanted {
  subject: string;
  issuer: string;
  extension: Buffer;
  publicKey: KeyObject;
  signer: KeyObject;
}

function certificate({ subject, issuer, extension, publicKey, signer }: Wanted): string {
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(utcTime(Date.now() - DAY_MS), utcTime(Date.now() + 30 * DAY_MS)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const text = sequence(signed, ECDSA_WITH_SHA256, bits(sign('sha256', signed, signer))).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${text.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

function newKey(): { publicKey: KeyObject; pem: string; privateKey: KeyObject } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { publicKey: pair.publicKey, pem, privateKey: createPrivateKey(pem) };
}

/** An authority of the test's own, and a certificate by it for servers of these names and for their clients. */
export function makeCertificates(names: readonly string[]): Certificates {
  const directory = mkdtempSync(join(inject('services').scratch, 'tls-'));
  const authority = newKey();
  const server = newKey();
  const signer = authority.privateKey;
  const issuer = 'Test authority';
  const isAuthority = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)));
  const alternatives = octets(sequence(...names.map((name) => der(0x82, Buffer.from(name)))));
  const write = (file: string, text: string): string => {
    const path = join(directory, file);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    ca: write(
      'ca.pem',
      certificate({ subject: issuer, issuer, extension: isAuthority, publicKey: authority.publicKey, signer }),
    ),
    cert: write(
      'server.pem',
      certificate({
        subject: names[0] ?? '',
        issuer,
        extension: sequence(SUBJECT_ALT_NAME, alternatives),
        publicKey: server.publicKey,
        signer,
      }),
    ),
    key: write('server.key', server.pem),
  };
}
