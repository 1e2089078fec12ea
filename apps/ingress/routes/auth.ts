import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { makeDeviceCookie } from '#access/device-cookie.ts';
import type { Device } from '#access/device.ts';
import { refreshSession, type Refreshed } from '#access/refresh-session.ts';
import { signIn } from '#access/sign-in.ts';
import { isFailure, type FailureCode } from '#runtime/failure.ts';
import type { AccessLimits } from '../access-limits.ts';
import type { AccessObserver } from '../access-metrics.ts';
import type { Access } from '../open-access.ts';
import { clientOf, type ClientAddressOf } from '../client.ts';
import { cookieOf, DEVICE_COOKIE, REFRESH_COOKIE } from '../cookies.ts';
import { deviceIdField, emailField, passwordField } from '../fields.ts';
import { onlyMethods } from '../methods.ts';
import { presentedOf, refreshCookieOf } from '../presented-token.ts';
import { bodyOf, queryOf, readJson } from '../request.ts';
import { clearSessionCookies, knownDeviceOf, setDeviceCookie, setSessionCookies } from '../session-cookies.ts';

const MAX_BODY_BYTES = 4_096;
const BODY_LIMIT_MS = 5_000;

export const loginQuery = z.strictObject({ mode: z.enum(['bearer', 'cookie']).default('bearer') });
export const loginBody = z.strictObject({
  email: emailField,
  password: passwordField,
  deviceId: deviceIdField.optional(),
});
export const refreshBody = z.strictObject({
  refreshToken: z.string().max(1_024).optional(),
  deviceId: deviceIdField.optional(),
});

export interface AuthRouteParts {
  access: Access;
  clientAddressOf: ClientAddressOf;
  limits: AccessLimits;
  observe: AccessObserver;
}

/** Sign-in and refresh, for clients that hold their refresh token and for browsers that hold it in a cookie. */
export function authRoutes({ access, clientAddressOf, limits, observe }: AuthRouteParts): Router {
  const { context, csrf, csrfKeys } = access;
  const router = Router({ caseSensitive: true, strict: true });
  const json = readJson(MAX_BODY_BYTES, BODY_LIMIT_MS);

  async function loginWithBearer(request: Request, response: Response): Promise<void> {
    const { email, password, deviceId } = bodyOf(loginBody, request);
    const client = clientOf(request, clientAddressOf, idDevice(deviceId));
    const { user, sessionId, refreshToken } = await signIn(context, { email, password, client });
    const accessToken = await access.accessTokens.make({ userId: user.id, sessionId });
    answer(response, { accessToken, refreshToken, expiresIn: access.accessTokens.ttlSeconds, user });
  }

  async function loginWithCookie(request: Request, response: Response): Promise<void> {
    csrf.requireOwnPage(request);
    const { email, password } = bodyOf(loginBody, request);
    const knownDevice = knownDeviceOf(request, context.keys, email);
    const deviceCookie = knownDevice ?? makeDeviceCookie(context.keys, email);
    const { user, sessionId, refreshToken, absoluteSeconds } = await signIn(context, {
      email,
      password,
      client: clientOf(request, clientAddressOf, cookieDevice(deviceCookie)),
      knownDevice,
      replacedSessionId: refreshCookieOf(request, context.keys)?.sessionId,
    });
    const accessToken = await access.accessTokens.make({ userId: user.id, sessionId });
    setDeviceCookie(response, deviceCookie);
    setSessionCookies(response, csrfKeys, { sessionId, refreshToken, remainingSeconds: absoluteSeconds });
    answer(response, { accessToken, expiresIn: access.accessTokens.ttlSeconds, user });
  }

  async function refresh(request: Request, response: Response): Promise<Refreshed['outcome']> {
    const arrivedMs = performance.now();
    const { refreshToken, deviceId } = bodyOf(refreshBody, request);
    const { presented, isCookie } = presentedOf(request, access, refreshToken);
    await limits.chargeRefresh(request, response, presented.sessionId);
    const device = isCookie ? cookieDevice(cookieOf(request, DEVICE_COOKIE)) : idDevice(deviceId);
    const refreshed = await refreshSession(context, {
      presented,
      client: clientOf(request, clientAddressOf, device),
      waitedSeconds: () => (performance.now() - arrivedMs) / 1_000,
    });
    const accessToken = await access.accessTokens.make(refreshed);
    const expiresIn = access.accessTokens.ttlSeconds;
    if (isCookie) setSessionCookies(response, csrfKeys, refreshed);
    answer(
      response,
      isCookie ? { accessToken, expiresIn } : { accessToken, refreshToken: refreshed.refreshToken, expiresIn },
    );
    return refreshed.outcome;
  }

  router
    .route('/api/auth/login')
    .post(limits.inTurn, limits.passwords, json, limits.delay, async (request, response) => {
      const login = queryOf(loginQuery, request).mode === 'cookie' ? loginWithCookie : loginWithBearer;
      try {
        await login(request, response);
        observe.signedIn('succeeded');
      } catch (error) {
        observe.signedIn(codeOf(error));
        throw error;
      }
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/auth/refresh')
    .post(json, async (request, response) => {
      try {
        observe.refreshed(await refresh(request, response));
      } catch (error) {
        observe.refreshed(codeOf(error));
        if (isSignedOut(error) && isByCookie(request)) clearSessionCookies(response);
        throw error;
      }
    })
    .all(onlyMethods('POST'));

  return router;
}

function answer(response: Response, body: Record<string, unknown>): void {
  response.set('cache-control', 'no-store').json(body);
}

function codeOf(error: unknown): FailureCode | 'bug' {
  return isFailure(error) ? error.code : 'bug';
}

/** Only these tell a browser that its cookies are worthless: not a limit, not an outage. */
function isSignedOut(error: unknown): boolean {
  return (
    isFailure(error, 'refresh-invalid') ||
    isFailure(error, 'refresh-reused') ||
    isFailure(error, 'session-ended') ||
    isFailure(error, 'session-expired')
  );
}

function isByCookie(request: Request): boolean {
  const body = request.body as { refreshToken?: unknown } | undefined;
  return body?.refreshToken === undefined && cookieOf(request, REFRESH_COOKIE) !== undefined;
}

function cookieDevice(cookie: string | undefined): Device | undefined {
  return cookie === undefined ? undefined : { kind: 'cookie', value: cookie };
}

function idDevice(deviceId: string | undefined): Device | undefined {
  return deviceId === undefined ? undefined : { kind: 'id', value: deviceId };
}
