import type { IncomingMessage, ServerResponse } from 'node:http';
import { addressPrefixOf } from '#runtime/address.ts';
import { correlate, requestIdOf } from '#runtime/correlation.ts';
import { openDeadlines } from '#runtime/deadlines.ts';
import { Failure, isFailure } from '#runtime/failure.ts';
import type { Log } from '#runtime/log.ts';
import type { DynamicPolicy } from '#limits/dynamic-limiter.ts';
import { limitFailure } from '#limits/limit-failure.ts';
import type { Decision, Policy } from '#limits/limiter.ts';
import type { LocalLimiter } from '#limits/local-limiter.ts';
import type { Journal } from '#webhooks/journal.ts';
import type { Delivery, Head, RefusalReason, Verification, Verified } from '#webhooks/provider.ts';
import type { Refusals } from '#webhooks/refusals.ts';
import type { Sources } from '#webhooks/sources.ts';
import { precheck, verify } from '#webhooks/verify.ts';
import type { Source } from '#webhooks/source.ts';
import { bugAnswer, problemOf } from './problem.ts';
import { checkFraming } from './check-framing.ts';
import type { BodyBudget } from './body-budget.ts';
import { withBody } from './read-body.ts';
import { sendAnswer } from './send-answer.ts';
import type { WebhookAnswer, WebhookExchange } from './webhook-exchange.ts';
import { acceptedDraft, refusedDraft } from './webhook-receipt.ts';
import { openWebhookRoutes } from './webhook-route.ts';

const BODY_LIMIT_MS = 10_000;
const DEFAULT_MAX_BYTES = 3 * 1024 * 1024;

/** Refusals an address may cause; accepted requests take nothing. */
const REFUSALS: Policy = { name: 'webhook-refusals', points: 600, windowSeconds: 60 };
/** What is answered 200 without a signature of its body: WooCommerce's ping, Meta's challenge. */
const UNSIGNED: Policy = { name: 'webhook-unsigned', points: 60, windowSeconds: 60 };

export interface WebhookDoorOptions {
  sources: Sources;
  journal: Journal;
  refusals: Refusals;
  /** Of this process alone: it is asked before every request and must not wait for a network. */
  limiter: LocalLimiter;
  /** Signed requests of one source; without it they have no quota. */
  sourceQuota?: DynamicPolicy | undefined;
  budget: BodyBudget;
  clientAddressOf: (request: IncomingMessage) => string;
  headers: Record<string, string>;
  log: Log;
  observe?: WebhookObserver;
  traceparentOf?: ((request: IncomingMessage) => string | undefined) | undefined;
}

export interface WebhookObserver {
  received(source: string, verdict: string): void;
  acknowledged(seconds: { verify: number; commit: number }): void;
  unavailable(code: string): void;
  refused(refusal: { source: string; reason: RefusalReason; addressPrefix: string }): void;
  /** A network or a source has used up what it may. */
  limited(limit: { source: string; policy: string; addressPrefix: string }): void;
}

/**
 * The fast path for webhooks: a plain node:http handler, asked before Express. It parses no JSON.
 * @returns whether the request was the door's.
 */
export function openWebhookDoor(options: WebhookDoorOptions) {
  const { journal, refusals, limiter, log, observe } = options;
  const routeOf = openWebhookRoutes(options.sources);
  const deadlines = openDeadlines(BODY_LIMIT_MS);
  const baseHeaders = Object.entries(options.headers).flat();

  return function handle(request: IncomingMessage, response: ServerResponse): boolean {
    const target = request.url ?? '/';
    const queryAt = target.indexOf('?');
    const path = queryAt === -1 ? target : target.slice(0, queryAt);
    const route = routeOf(path);
    if (route === undefined) return false;
    const requestId = requestIdOf(request.headers['x-request-id']);
    const head: Head = {
      method: request.method ?? '',
      path,
      query: queryAt === -1 ? '' : target.slice(queryAt + 1),
      headers: request.headersDistinct,
      nowMs: Date.now(),
    };
    const exchange = { request, response, route, head, requestId, address: options.clientAddressOf(request) };
    void correlate(requestId, async () => sendAnswer(exchange, await answerOf(exchange), baseHeaders));
    return true;
  };

  async function answerOf(exchange: WebhookExchange): Promise<WebhookAnswer> {
    try {
      return await receive(exchange);
    } catch (error) {
      if (!isFailure(error)) {
        log.error({ err: error, source: exchange.route.requestedName }, 'a bug in the webhook door');
        return bugAnswer(exchange.requestId);
      }
      const answer = problemOf(error, exchange.requestId);
      const isFaulty = answer.status < 500 && error.code !== 'limit-exceeded';
      if (isFaulty) limiter.consume(REFUSALS, addressPrefixOf(exchange.address));
      if (answer.status === 503) observe?.unavailable(error.code);
      return answer;
    }
  }

  async function receive(exchange: WebhookExchange): Promise<WebhookAnswer> {
    const { request, route, head, address } = exchange;
    const { source } = route;
    const maxBytes = source?.maxBytes ?? DEFAULT_MAX_BYTES;
    const addressPrefix = addressPrefixOf(address);
    const state = limiter.peek(REFUSALS, addressPrefix);
    if (!state.allowed) throw limited(exchange, REFUSALS, state);
    checkFraming(exchange, maxBytes);
    if (source === undefined) return refuse(exchange, 'source-unknown');
    const wrong = precheck(source, head);
    if (wrong !== undefined) return refuse(exchange, wrong);
    const limits = { maxBytes, deadlines };
    let verdict: Judged | undefined;
    return withBody(request, options.budget, limits, {
      look(body) {
        const judged = judge(source, { ...head, body });
        if (!judged.verification.ok) return refuse(exchange, judged.verification.reason, body);
        verdict = judged;
        return undefined;
      },
      use: (body) => accept(exchange, source, { ...head, body }, verdict as Judged),
    });
  }

  async function accept(
    exchange: WebhookExchange,
    source: Source,
    delivery: Delivery,
    judged: Judged,
  ): Promise<WebhookAnswer> {
    const { receivedAtMs, verifyMs } = judged;
    const verification = judged.verification as Verified;
    const startedAt = performance.now();
    spend(exchange, source, verification);
    const draft = acceptedDraft(exchange, source, delivery, { verified: verification, receivedAtMs, verifyMs });
    draft.traceparent = options.traceparentOf?.(exchange.request);
    const stored = await journal.append(draft);
    observe?.received(source.name, stored.isCopy ? 'duplicate' : verification.verdict);
    observe?.acknowledged({ verify: verifyMs / 1_000, commit: (performance.now() - startedAt) / 1_000 });
    const headers: Record<string, string> = { 'x-receipt-id': stored.id };
    if (stored.isCopy) headers['x-receipt-verdict'] = 'duplicate';
    const { reply } = verification;
    if (reply === undefined) return { status: 200, headers: { ...headers, 'content-length': '0' } };
    const body = Buffer.from(reply.text);
    headers['content-type'] = reply.contentType;
    headers['content-length'] = String(body.length);
    return { status: 200, headers, body };
  }

  /** What a 200 costs: nothing for a signed request, unless its source has a quota. */
  function spend(exchange: WebhookExchange, source: Source, { verdict }: Verified): void {
    const { sourceQuota } = options;
    const policy = verdict === 'accepted' ? sourceQuota : UNSIGNED;
    if (policy === undefined) return;
    const key = verdict === 'accepted' ? source.name : addressPrefixOf(exchange.address);
    const decision = limiter.consume(policy, key);
    if (!decision.allowed) throw limited(exchange, policy, decision);
  }

  function limited({ route, address }: WebhookExchange, policy: Policy, { resetSeconds }: Decision): Failure {
    const source = route.source?.name ?? 'unknown';
    observe?.limited({ source, policy: policy.name, addressPrefix: addressPrefixOf(address) });
    return limitFailure(policy, resetSeconds);
  }

  function refuse(exchange: WebhookExchange, reason: RefusalReason, body?: Buffer): WebhookAnswer {
    const { route, address, requestId } = exchange;
    const name = route.source?.name ?? 'unknown';
    const addressPrefix = addressPrefixOf(address);
    observe?.received(name, `refused:${reason}`);
    observe?.refused({ source: name, reason, addressPrefix });
    limiter.consume(REFUSALS, addressPrefix);
    const answer = problemOf(new Failure('signature-invalid'), requestId);
    if (!refusals.admits(name)) return answer;
    const draft = refusedDraft(exchange, name, reason, body);
    refusals.add(draft);
    return { ...answer, headers: { ...answer.headers, 'x-receipt-id': draft.id } };
  }
}

interface Judged {
  receivedAtMs: number;
  verification: Verification;
  verifyMs: number;
}

function judge(source: Source, delivery: Delivery): Judged {
  const receivedAtMs = Date.now();
  if (delivery.method === 'POST' && delivery.body.length === 0) throw new Failure('body-empty');
  const startedAt = performance.now();
  const verification = verify(source, delivery);
  return { receivedAtMs, verification, verifyMs: performance.now() - startedAt };
}
