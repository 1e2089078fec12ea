import { setTimeout as sleep } from 'node:timers/promises';
import { problemFrom } from '../../client/problem.ts';
import { mayHelp, openDevice, type Device } from '#testing/chaos/device.ts';
import type { Ledger } from '#testing/chaos/ledger.ts';
import type { ChaosPerson } from '#testing/chaos/people.ts';
import { probeEnded } from '#testing/chaos/probe-ended.ts';
import type { Random } from '#testing/chaos/random.ts';

/** People with some devices each, who sign in, stay signed in, and end sessions. */
export interface SessionUsers {
  /** Of sessions whose end was answered. */
  readonly ended: readonly string[];
  /** Devices that ought to be signed in, and their sessions. */
  live(): { device: Device; sessionId: string }[];
  stop(): void;
  /** Resolves when every device that ought to be signed in is let in, or with how many are not after `limitMs`. */
  settle(limitMs: number): Promise<number>;
  close(): Promise<void>;
}

export interface SessionUsersOptions {
  random: Random;
  origins: readonly string[];
  people: readonly ChaosPerson[];
  ledger: Ledger;
}

const DEVICES = 3;
const ACT_PAUSE_MS = [500, 2_500] as const;
const USE_PAUSE_MS = [300, 1_500] as const;
const RETRY_MS = 500;
const SHARE = { signIn: 0.65, signOut: 0.4, endOne: 0.6, endOthers: 0.6 } as const;
const ALREADY_OUT = new Set(['refresh-invalid', 'session-ended', 'session-expired']);

export function openSessionUsers({ random, origins, people, ledger }: SessionUsersOptions): SessionUsers {
  const stopped = new AbortController();
  const closed = new AbortController();
  const ended: string[] = [];
  const probes = new Set<Promise<void>>();
  const homes = people.map((person) => ({
    random: random.fork(person.email),
    devices: Array.from({ length: DEVICES }, (_, n) => {
      const name = `${person.email} ${n}`;
      return openDevice({ person, name, origins, random: random.fork(name), ledger });
    }),
  }));
  const allDevices = homes.flatMap(({ devices }) => devices);
  let givesUpAtMs = Number.POSITIVE_INFINITY;

  /** Does it until there is an answer. @returns whether it was done */
  async function insist(what: string, act: () => Promise<unknown>): Promise<boolean> {
    while (true) {
      try {
        await act();
        ledger.count(`${what} done`);
        return true;
      } catch (error) {
        const problem = problemFrom(error);
        ledger.count(`${what} ${problem.status === 0 ? problem.code : problem.status}`);
        // An earlier try whose answer was lost has done it.
        if (problem.code === 'not-found' || ALREADY_OUT.has(problem.code)) return true;
        if (!mayHelp(problem)) {
          ledger.violate(`${what} failed: ${problem.code}`);
          return false;
        }
      }
      if (performance.now() > givesUpAtMs) return false;
      await sleep(RETRY_MS);
    }
  }

  /** Has the sessions of these devices ended by what `act` does, and sees to it that they are over. */
  async function end(what: string, victims: readonly Device[], act: () => Promise<unknown>): Promise<void> {
    const sessions = victims.map((device) => device.session()).filter((session) => session !== undefined);
    for (const device of victims) device.standing = 'ending';
    if (!(await insist(what, act))) return;
    for (const session of sessions) {
      ended.push(session.id);
      const probing = probeEnded(session, { origins, ledger }).finally(() => probes.delete(probing));
      probes.add(probing);
    }
  }

  async function signOut(device: Device): Promise<void> {
    const session = device.session();
    let isFirst = true;
    await end('sign-out', [device], async () => {
      if (isFirst) {
        isFirst = false;
        await device.client.logout();
        // The client has forgotten its tokens, so that it is on us to tell the server again.
      } else if (session !== undefined) await device.signOutBy(session.refreshToken);
    });
    device.standing = 'out';
  }

  async function act({ random: own, devices }: (typeof homes)[number]): Promise<void> {
    const out = devices.filter(({ standing }) => standing === 'out');
    const signedIn = devices.filter(({ standing }) => standing === 'in');
    const [device] = signedIn;
    if (out.length > 0 && (device === undefined || own.happens(SHARE.signIn))) {
      await own.pick(out).signIn();
      return;
    }
    if (device === undefined) return;
    const others = signedIn.slice(1);
    const victim = others.length === 0 ? undefined : own.pick(others);
    if (victim === undefined || own.happens(SHARE.signOut)) await signOut(own.pick(signedIn));
    else if (own.happens(SHARE.endOne)) {
      const { id } = victim.session() ?? {};
      if (id !== undefined) await end('end of a session', [victim], () => device.client.endSession(id));
    } else if (own.happens(SHARE.endOthers)) {
      await end('end of other sessions', others, () => device.client.endOtherSessions());
    } else await end('sign-out everywhere', signedIn, () => device.client.logoutAll());
  }

  const acting = Promise.all(
    homes.map(async (home) => {
      while (!stopped.signal.aborted) {
        await act(home);
        await sleep(home.random.between(...ACT_PAUSE_MS));
      }
    }),
  );
  const using = Promise.all(
    allDevices.map(async (device, n) => {
      const own = random.fork(`use ${n}`);
      while (!closed.signal.aborted) {
        if (device.standing !== 'out') ledger.count(`session ${await device.use()}`);
        await sleep(own.between(...USE_PAUSE_MS));
      }
    }),
  );

  async function isLetIn(device: Device): Promise<boolean> {
    while (true) {
      const status = await device.use();
      if (status === 200) return true;
      if (performance.now() > givesUpAtMs) return false;
      await sleep(RETRY_MS);
    }
  }

  const live: SessionUsers['live'] = () =>
    allDevices
      .filter(({ standing }) => standing === 'in')
      .map((device) => ({ device, sessionId: device.session()?.id ?? '' }));

  return {
    ended,
    live,
    stop: () => stopped.abort(),
    async settle(limitMs) {
      stopped.abort();
      givesUpAtMs = performance.now() + limitMs;
      await acting;
      await Promise.all(probes);
      const answers = await Promise.all(live().map(({ device }) => isLetIn(device)));
      return answers.filter((isIn) => !isIn).length;
    },
    async close() {
      stopped.abort();
      closed.abort();
      givesUpAtMs = 0;
      await Promise.all([acting, using, ...probes]);
      for (const { client } of allDevices) client.close();
    },
  };
}
