import type { Provider } from '#webhooks/provider.ts';
import { github } from '#webhooks/providers/github.ts';
import { paddle } from '#webhooks/providers/paddle.ts';
import { shopify } from '#webhooks/providers/shopify.ts';
import { slack } from '#webhooks/providers/slack.ts';
import { standardWebhooks } from '#webhooks/providers/standard-webhooks.ts';
import { stripe } from '#webhooks/providers/stripe.ts';
import { twilio } from '#webhooks/providers/twilio.ts';
import { whatsapp } from '#webhooks/providers/whatsapp.ts';
import { wooalerts } from '#webhooks/providers/wooalerts.ts';
import { woocommerce } from '#webhooks/providers/woocommerce.ts';

/** Every kind of sender there is. */
export const providers = {
  whatsapp,
  wooalerts,
  woocommerce,
  'standard-webhooks': standardWebhooks,
  github,
  stripe,
  shopify,
  slack,
  twilio,
  paddle,
} satisfies Record<string, Provider>;

export type ProviderName = keyof typeof providers;

export const providerNames = Object.keys(providers) as readonly ProviderName[];

export function isProviderName(text: string): text is ProviderName {
  return Object.hasOwn(providers, text);
}
