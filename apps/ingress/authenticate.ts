import type { Request, RequestHandler, Response } from 'express';
import type { AccessTokenClaims, AccessTokens } from '#access/access-tokens.ts';
import type { ApiScope } from '#access/api-scopes.ts';
import { isApiToken, type ApiTokenDoor } from '#access/api-tokens.ts';
import type { SessionStanding, SessionStandings } from '#access/session-standings.ts';
import type { Tiers } from '#limits/tiers.ts';
import { Failure } from '#runtime/failure.ts';
import { soon, type Soon } from '#runtime/soon.ts';
import { rememberCaller, type Caller, type Role } from './caller.ts';
import type { ChargeRequest } from './limit.ts';

export interface CallerRules {
  /** Who may call; everyone who is signed in, by default. */
  roles?: readonly Role[];
  /** The scope that lets an API token in; without one, programs stay out. */
  scope?: ApiScope;
  /** Points of the caller's quota; one for a request that reads and five for one that writes, by default. */
  cost?: number;
  /** Whether the proof of who calls must be fresh, where STEP_UP_MINUTES asks for it. */
  stepUp?: boolean;
}

/** Middleware that lets nobody pass but the callers that the rules name, and remembers them for `callerOf`. */
export type RequireCaller = (rules?: CallerRules) => RequestHandler;

export interface AuthenticationParts {
  accessTokens: AccessTokens;
  standings: SessionStandings;
  apiTokens: ApiTokenDoor;
  /** 0: any proof will do, however old. */
  stepUpMinutes: number;
  charge: ChargeRequest;
  tiers: Tiers;
}

export function openRequireCaller(parts: AuthenticationParts): RequireCaller {
  return (rules = {}) =>
    (request, response, next) => {
      const token = bearerOf(request);
      // Mostly all is known already, and then nothing waits.
      return soon(isApiToken(token) ? programOf(parts, token, rules) : personOf(parts, token, rules), (caller) => {
        if (rules.roles?.includes(caller.role) === false) throw new Failure('forbidden');
        response.setHeader('cache-control', 'no-store');
        rememberCaller(response, caller, () => watchEnd(parts.standings, caller, response));
        return soon(chargeCaller(parts, request, response, { caller, cost: rules.cost }), () => next());
      });
    };
}

/** A person has the quota of their role, and a program one of its own. */
function chargeCaller(
  { charge, tiers }: AuthenticationParts,
  request: Request,
  response: Response,
  { caller, cost }: { caller: Caller; cost: number | undefined },
): Soon<void> {
  const policy = tiers[caller.kind === 'token' ? 'token' : caller.role];
  if (policy === undefined) return;
  return charge(request, response, { policy, key: caller.tokenId ?? caller.userId, cost, actorId: caller.userId });
}

function watchEnd(standings: SessionStandings, { sessionId }: Caller, response: Response): AbortSignal {
  const closed = new AbortController();
  if (sessionId === undefined) return closed.signal;
  response.once('close', () => closed.abort());
  return standings.watch(sessionId, closed.signal);
}

function personOf(parts: AuthenticationParts, token: string, rules: CallerRules): Soon<Caller> {
  const { accessTokens, standings } = parts;
  return soon(accessTokens.read(token), (claims) =>
    soon(standings.of(claims.sessionId), (standing) => {
      if (standing === undefined || isFreshEnough(parts, rules, standing)) return callerWith(claims, standing);
      // Another process may have taken the proof since this one has read.
      standings.forget(claims.sessionId);
      return soon(standings.of(claims.sessionId), (again) => {
        if (again !== undefined && !isFreshEnough(parts, rules, again)) throw new Failure('step-up-needed');
        return callerWith(claims, again);
      });
    }),
  );
}

function isFreshEnough(
  { stepUpMinutes }: AuthenticationParts,
  { stepUp = false }: CallerRules,
  { authenticatedSeconds }: SessionStanding,
): boolean {
  return !stepUp || stepUpMinutes === 0 || authenticatedSeconds <= stepUpMinutes * 60;
}

function callerWith({ userId, sessionId }: AccessTokenClaims, standing: SessionStanding | undefined): Caller {
  if (standing?.userId !== userId) throw new Failure('token-invalid');
  return { kind: 'user', userId, role: standing.role, sessionId, tokenId: undefined };
}

async function programOf(parts: AuthenticationParts, token: string, { scope }: CallerRules): Promise<Caller> {
  const { tokenId, userId, role, scopes } = await parts.apiTokens.read(token);
  if (scope === undefined || !scopes.includes(scope)) {
    throw new Failure('forbidden', { headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' } });
  }
  return { kind: 'token', userId, role, sessionId: undefined, tokenId };
}

/**
 * The one bearer token of a request (RFC 6750 §2.1). A token in the query or the body counts as none.
 * @throws Failure `unauthenticated` without credentials, `authorization-malformed` with several.
 */
export function bearerOf(request: Request): string {
  if (hasSeveral(request.rawHeaders, 'authorization')) throw new Failure('authorization-malformed');
  const [, token] = /^bearer +(.*)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token === undefined) throw new Failure('unauthenticated');
  return token;
}

/** Of several, Node keeps the first in `headers`; `rawHeaders` has names and values in turn. */
function hasSeveral(rawHeaders: readonly string[], name: string): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const candidate = rawHeaders[at] as string;
    if (candidate.length === name.length && candidate.toLowerCase() === name) count += 1;
  }
  return count > 1;
}
