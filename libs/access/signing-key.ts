import { defineEntity, p } from '@mikro-orm/core';

/** A key that signs access tokens: published, then signing, then verifying only, then gone (table signing_key). */
export const SigningKeyEntity = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_key',
  properties: {
    /** The random `kid`. */
    id: p.text().primary(),
    algorithm: p.text(),
    publicKey: p.json(),
    sealedPrivateKey: p.blob(),
    /** Names the secret of SESSION_SECRET that the private key is sealed under. */
    secretId: p.text(),
    createdAt: p.datetime().defaultRaw('clock_timestamp()'),
    signsFrom: p.datetime(),
    /** Set when a successor is published. */
    verifiesUntil: p.datetime().nullable(),
    /** Set by emergency retirement: refused from then on. */
    retiredAt: p.datetime().nullable(),
  },
});
