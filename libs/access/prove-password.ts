import { Failure } from '#runtime/failure.ts';
import type { AccessContext, AccessEventType, SignInAttempt } from '#access/context.ts';
import { accountKeyOf, passwordOf, unlessBusy, userById, type UserRow } from '#access/sign-in.ts';
import type { Client } from '#access/start-session.ts';

type ProveContext = Pick<AccessContext, 'pool' | 'keys' | 'passwords' | 'signInLimit' | 'record'>;

export interface Proof {
  userId: string;
  sessionId: string;
  password: string;
  client: Client;
}

/**
 * Lets a signed-in person prove who they are once more. Counted like a sign-in, so that a stolen access token is no way to
 * try passwords.
 * @throws Failure `password-wrong`, `limit-exceeded`, `sign-in-busy`.
 */
export async function provePassword(
  context: ProveContext,
  { userId, sessionId, password, client }: Proof,
  failed: AccessEventType & ('step-up.failed' | 'password.failed'),
): Promise<{ user: UserRow; point: SignInAttempt }> {
  const user = await userById(context.pool, userId);
  const stored = user === undefined ? undefined : passwordOf(user);
  if (user === undefined || stored === undefined) throw new Failure('password-wrong');
  const { addressPrefix } = client;
  const point = await context.signInLimit.consume({
    account: accountKeyOf(context.keys, user.email),
    // Who holds the session is not locked out by strangers, and has no more attempts than they.
    knownDevice: accountKeyOf(context.keys, `${user.email}\0${sessionId}`),
    addressPrefix,
  });
  if (await unlessBusy(context, point, () => context.passwords.isRight(stored, password))) return { user, point };
  await context.record(context.pool, [
    {
      type: failed,
      actorId: userId,
      actorKind: 'user',
      addressPrefix,
      targetKind: 'session',
      targetId: sessionId,
    },
  ]);
  throw new Failure('password-wrong');
}
