import { z } from 'zod';
import { CSP_REPORTS_PATH, CSP_REPORT_TYPES } from '../routes/csp-reports.ts';
import type { Content, OperationGroup } from './operation.ts';
import { json, nothing } from './shapes.ts';

const signed: Content = { about: 'As the provider sends and signs it; any type of content.', types: ['*/*'] };
const taken: Content = { about: 'It is durable; also when it was taken before.' };
const challenge = (about: string): Content => ({ about, types: ['text/plain'] });
const refusals = [
  'signature-invalid',
  'body-empty',
  'too-large',
  'request-slow',
  'content-encoding-unsupported',
] as const;
const busy = ['journal-full', 'database-unavailable', 'limit-exceeded', 'method-unsupported'] as const;
const page: Content = { about: 'The page.', types: ['text/html'], headers: ['content-security-policy'] };

/** Where signed webhooks come in. An unknown source is answered like a wrong signature. */
export const webhookOperations: OperationGroup = {
  tag: 'Webhooks',
  about: 'For senders. The signature is in the fields that the provider documents.',
  isRouted: false,
  operations: [
    {
      id: 'takeWhatsApp',
      method: 'post',
      path: '/api/whatsapp/webhook',
      summary: 'Takes what WhatsApp sends',
      caller: 'anyone',
      body: signed,
      answers: { 200: taken },
      failures: [...refusals, ...busy],
    },
    {
      id: 'answerWhatsApp',
      method: 'get',
      path: '/api/whatsapp/webhook',
      summary: "Answers Meta's challenge",
      caller: 'anyone',
      answers: { 200: challenge('The challenge.') },
      failures: [...refusals, ...busy],
    },
    {
      id: 'takeWooAlerts',
      method: 'post',
      path: '/api/wooalerts-webhook',
      summary: 'Takes what WooAlerts sends',
      caller: 'anyone',
      body: signed,
      answers: { 200: taken },
      failures: [...refusals, ...busy],
    },
    {
      id: 'takeWebhook',
      method: 'post',
      path: '/api/webhooks/{source}',
      summary: 'Takes what a source of WEBHOOK_SOURCES sends',
      caller: 'anyone',
      body: signed,
      answers: { 200: taken },
      failures: [...refusals, ...busy],
    },
    {
      id: 'answerWebhook',
      method: 'get',
      path: '/api/webhooks/{source}',
      summary: 'Answers the challenge of a provider that has one',
      caller: 'anyone',
      answers: { 200: challenge('The challenge.') },
      failures: [...refusals, ...busy],
    },
  ],
};

/** Each process has them on its own port. */
export const healthOperations: OperationGroup = {
  tag: 'Health',
  about:
    'For probes and scrapers. Reasons and metrics are for callers with METRICS_TOKEN, or, without one, on this machine.',
  isRouted: false,
  operations: [
    {
      id: 'livez',
      method: 'get',
      path: '/livez',
      summary: 'Whether the process answers at all',
      caller: 'anyone',
      answers: { 200: nothing('It does.') },
    },
    {
      id: 'readyz',
      method: 'get',
      path: '/readyz',
      summary: 'Whether it can do its job',
      caller: 'anyone',
      answers: { 200: json('It can.', readiness()), 503: json('It can not.', readiness()) },
    },
    {
      id: 'metrics',
      method: 'get',
      path: '/metrics',
      summary: 'What Prometheus scrapes',
      caller: 'anyone',
      answers: { 200: { about: 'The metrics.', types: ['text/plain'] }, 403: nothing('They are not for this caller.') },
    },
  ],
};

/** The pages for people, and what browsers send of themselves. */
export const pageOperations: OperationGroup = {
  tag: 'Pages',
  about: 'For browsers.',
  isRouted: true,
  operations: [
    {
      id: 'start',
      method: 'get',
      path: '/',
      summary: 'Leads to the console',
      caller: 'anyone',
      answers: { 302: { about: 'To /console/.', types: ['text/html', 'text/plain'], headers: ['location'] } },
    },
    {
      id: 'consoleStart',
      method: 'get',
      path: '/console',
      summary: 'Leads to the console',
      caller: 'anyone',
      answers: { 302: { about: 'To /console/.', types: ['text/html', 'text/plain'], headers: ['location'] } },
    },
    {
      id: 'consolePage',
      method: 'get',
      path: '/console/{path}',
      summary: 'The console, at every path below it',
      caller: 'anyone',
      answers: { 200: page },
      failures: ['not-found'],
    },
    {
      id: 'consoleAsset',
      method: 'get',
      path: '/console/assets/{name}',
      summary: 'What the console loads',
      caller: 'anyone',
      answers: { 200: { about: 'The file.', types: ['*/*'], headers: ['cache-control'] } },
      failures: ['not-found'],
    },
    {
      id: 'reportCsp',
      method: 'post',
      path: CSP_REPORTS_PATH,
      summary: 'Takes what a browser reports of a broken content security policy',
      caller: 'anyone',
      body: { about: 'By report-uri or by report-to.', types: CSP_REPORT_TYPES },
      answers: { 204: nothing('It is noted.') },
      failures: ['body-invalid', 'request-malformed', 'content-type-unsupported', 'request-slow', 'too-large'],
    },
    {
      id: 'openApi',
      method: 'get',
      path: '/api/openapi.json',
      summary: 'This document',
      caller: 'anyone',
      answers: { 200: json('OpenAPI 3.1.', z.looseObject({ openapi: z.string() }), ['cache-control']) },
    },
  ],
};

function readiness(): z.ZodType {
  return z.object({
    status: z.enum(['ready', 'degraded', 'unready']),
    checks: z.record(z.string(), z.string()).describe('`ok`, `away`, or what is wrong.'),
  });
}
