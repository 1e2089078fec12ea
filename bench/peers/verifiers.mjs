import { Webhooks } from '@octokit/webhooks';
import { WebhookVerificationService } from '@hookflo/tern';
import { Webhook as StandardWebhook, WebhookVerificationError } from 'standardwebhooks';
import { Stripe } from 'stripe';
import { Webhook as SvixWebhook, WebhookVerificationError as SvixVerificationError } from 'svix';

/**
 * A request as a Node server hands it on: repeated headers joined (`IncomingMessage.headers`), and the received bytes.
 * @typedef {{ url: string, headers: Record<string, string>, body: Buffer, secret: string }} Request
 */

/**
 * What a library says of a request. Its own way of refusing is no throw; any other error is.
 * @typedef {'accept' | 'reject' | { threw: string }} Answer
 */

/**
 * A library used as its documentation says; undefined where it has nothing for the scheme.
 * @typedef {{ name: string, schemes: Partial<Record<string, (request: Request) => Promise<Answer>>> }} Peer
 */

const throwing =
  (verify, ...refusals) =>
  async (request) => {
    try {
      await verify(request);
      return 'accept';
    } catch (error) {
      return refusals.some((refusal) => error instanceof refusal)
        ? 'reject'
        : { threw: `${error.name}: ${error.message}` };
    }
  };

const tern = (platform) => async (request) => {
  try {
    const { isValid } = await WebhookVerificationService.verifyWithPlatformConfig(
      new Request(request.url, { method: 'POST', headers: request.headers, body: request.body }),
      platform,
      request.secret,
    );
    return isValid ? 'accept' : 'reject';
  } catch (error) {
    return { threw: `${error.name}: ${error.message}` };
  }
};

const standard = throwing(
  ({ secret, body, headers }) => new StandardWebhook(secret).verify(body, headers),
  WebhookVerificationError,
);
const svix = throwing(
  ({ secret, body, headers }) => new SvixWebhook(secret).verify(body, headers),
  SvixVerificationError,
  WebhookVerificationError,
);

const stripe = new Stripe('sk_test_not-used');
const constructEvent = throwing(
  ({ secret, body, headers }) => stripe.webhooks.constructEvent(body, headers['stripe-signature'], secret),
  Stripe.errors.StripeSignatureVerificationError,
);

/** Its `verify` takes text only; its own middleware decodes the body as UTF-8 before. */
async function octokit({ secret, body, headers }) {
  try {
    const isValid = await new Webhooks({ secret }).verify(body.toString('utf8'), headers['x-hub-signature-256']);
    return isValid ? 'accept' : 'reject';
  } catch (error) {
    return { threw: `${error.name}: ${error.message}` };
  }
}

/** @type {readonly Peer[]} */
export const peers = [
  { name: 'svix', schemes: { 'standard-webhooks': svix, svix } },
  { name: 'standardwebhooks', schemes: { 'standard-webhooks': standard } },
  { name: 'stripe', schemes: { stripe: constructEvent } },
  { name: '@octokit/webhooks', schemes: { github: octokit } },
  {
    name: '@hookflo/tern',
    schemes: {
      'standard-webhooks': tern('dodopayments'),
      svix: tern('clerk'),
      stripe: tern('stripe'),
      github: tern('github'),
      shopify: tern('shopify'),
      woocommerce: tern('woocommerce'),
    },
  },
];
