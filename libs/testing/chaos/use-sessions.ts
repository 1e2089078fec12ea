import { problemFrom } from '../../client/problem.ts';
import { mayHelp, openDevice, type Device } from '#testing/chaos/device.ts';
import type { Ledger } from '#testing/chaos/ledger.ts';
import { openLoad } from '#testing/chaos/load.ts';
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

const DEVICES = 4;
/** Of these. The others are programs, which hold their tokens themselves. */
const BROWSERS = 2;
const ACT_PAUSE_MS = [500, 2_500] as const;
const USE_PAUSE_MS = [300, 1_500] as const;
const pauseMs = (): number => 500;
const SHARE = { signIn: 0.65, signOut: 0.4, endOne: 0.6, endOthers: 0.6 } as const;
const ALREADY_OUT = new Set(['refresh-invalid', 'session-ended', 'session-expired']);

export function openSessionUsers({ random, origins, people, ledger }: SessionUsersOptions): SessionUsers {
  const load = openLoad();
  const ended: string[] = [];
  const homes = people.map((person) => ({
    random: random.fork(person.email),
    devices: Array.from({ length: DEVICES }, (_, n) => {
      const name = `${person.email} ${n}`;
      const mode = n < BROWSERS ? 'cookie' : 'bearer';
      return openDevice({ mode, person, name, origins, random: random.fork(name), ledger });
    }),
  }));
  const allDevices = homes.flatMap(({ devices }) => devices);

  /** Does it until there is an answer. @returns whether it was done */
  async function insist(what: string, act: () => Promise<unknown>): Promise<boolean> {
    let isDone = false;
    await load.insist(pauseMs, async () => {
      try {
        await act();
        ledger.count(`${what} done`);
        isDone = true;
      } catch (error) {
        const problem = problemFrom(error);
        ledger.count(`${what} ${problem.status === 0 ? problem.code : problem.status}`);
        // An earlier try whose answer was lost has done it.
        isDone = problem.code === 'not-found' || ALREADY_OUT.has(problem.code);
        if (isDone || mayHelp(problem)) return isDone;
        ledger.violate(`${what} failed: ${problem.code}`);
      }
      return true;
    });
    return isDone;
  }

  /** Has the sessions of these devices ended by what `act` does, and sees to it that they are over. */
  async function end(what: string, victims: readonly Device[], act: () => Promise<unknown>): Promise<void> {
    const sessions = victims.map((device) => device.session()).filter((session) => session !== undefined);
    for (const device of victims) device.standing = 'ending';
    if (!(await insist(what, act))) return;
    for (const session of sessions) {
      ended.push(session.id);
      load.track(probeEnded(session, { origins, ledger }));
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

  for (const home of homes)
    load.act(
      () => home.random.between(...ACT_PAUSE_MS),
      () => act(home),
    );
  for (const [n, device] of allDevices.entries()) {
    const own = random.fork(`use ${n}`);
    load.attend(
      () => own.between(...USE_PAUSE_MS),
      async () => {
        if (device.standing !== 'out') ledger.count(`session ${await device.use()}`);
      },
    );
  }

  const live: SessionUsers['live'] = () =>
    allDevices
      .filter(({ standing }) => standing === 'in')
      .map((device) => ({ device, sessionId: device.session()?.id ?? '' }));

  return {
    ended,
    live,
    stop: () => load.stop(),
    async settle(limitMs) {
      await load.settle(limitMs);
      const letIn = live().map(({ device }) => load.insist(pauseMs, async () => (await device.use()) === 200));
      return (await Promise.all(letIn)).filter((isIn) => !isIn).length;
    },
    async close() {
      await load.close();
      for (const { client } of allDevices) client.close();
    },
  };
}
