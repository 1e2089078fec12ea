import type { Running } from '../running.ts';
import { signInAsAdmin, timed, type Demonstration, type DemoRow } from './step.ts';

interface SessionView {
  id: string;
  current: boolean;
}

/** Signs in on two devices, ends one from the other, and replays a used refresh token. */
export async function demonstrateAccess(running: Running): Promise<Demonstration> {
  const origin = running.addresses.ingress;
  const rows: DemoRow[] = [];
  const note = (sent: string, { response, latencyMs }: Awaited<ReturnType<typeof timed>>, outcome: string): void => {
    const reference = response.headers.get('x-request-id') ?? '-';
    rows.push({ sent, answer: String(response.status), latencyMs, reference, outcome });
  };
  const as = (accessToken: string, method = 'GET'): RequestInit => ({
    method,
    headers: { authorization: `Bearer ${accessToken}` },
  });
  const refresh = (refreshToken: string, deviceId: string) =>
    timed(`${origin}/api/auth/refresh`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refreshToken, deviceId }),
    });

  const laptop = await signInAsAdmin(running, 'demo-laptop-0001');
  note('sign-in on a laptop', laptop, 'a session, an access and a refresh token');
  if (laptop.response.status !== 200) return { title: 'Access', rows };
  const phone = await signInAsAdmin(running, 'demo-telephone-01');
  note('sign-in on a telephone', phone, 'a second session');

  const refreshed = await refresh(laptop.refreshToken, laptop.deviceId);
  const { accessToken, refreshToken } = refreshed.body as { accessToken: string; refreshToken: string };
  note('refresh on the laptop', refreshed, 'new tokens; the old refresh token is used up');

  const listed = await timed(`${origin}/api/sessions`, as(accessToken));
  const sessions = (listed.body['items'] ?? []) as SessionView[];
  note('list my sessions', listed, `${sessions.length} live, this one marked as current`);

  const phoneId = await sessionOf(origin, phone.accessToken);
  note('end the telephone’s', await timed(`${origin}/api/sessions/${phoneId}`, as(accessToken, 'DELETE')), 'ended');
  note(
    'the telephone calls',
    await timed(`${origin}/api/auth/me`, as(phone.accessToken)),
    'its access token is dead at once',
  );

  const again = await refresh(refreshToken, laptop.deviceId);
  note('refresh once more', again, 'the first refresh token is two generations old now');
  const replayed = await refresh(laptop.refreshToken, laptop.deviceId);
  note('replay the first one', replayed, `${String(replayed.body['code'])}: somebody has a copy, the session dies`);
  const { accessToken: newest } = again.body as { accessToken: string };
  note(
    'the laptop calls',
    await timed(`${origin}/api/auth/me`, as(newest)),
    'signed out, and a critical security event',
  );
  return { title: 'Access', rows };
}

async function sessionOf(origin: string, accessToken: string): Promise<string> {
  const { body } = await timed(`${origin}/api/sessions`, { headers: { authorization: `Bearer ${accessToken}` } });
  return ((body['items'] ?? []) as SessionView[]).find(({ current }) => current)?.id ?? '';
}
