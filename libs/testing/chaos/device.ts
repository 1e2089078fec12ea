import { isPassing, problemFrom, type ClientProblem } from '../../client/problem.ts';
import { openChaosClient, type ChaosClient, type HeldTokens } from '#testing/chaos/chaos-client.ts';
import type { Ledger } from '#testing/chaos/ledger.ts';
import type { ChaosPerson } from '#testing/chaos/people.ts';
import type { Random } from '#testing/chaos/random.ts';

/** `ending`: somebody wants its session to end, and has no answer yet or has not told it. */
export type DeviceStanding = 'out' | 'in' | 'ending';

/** One device of somebody who does nothing wrong. */
export interface Device extends Pick<ChaosClient, 'client' | 'signOutBy'> {
  standing: DeviceStanding;
  /** The tokens of its session, and their session. */
  session(): (HeldTokens & { id: string }) | undefined;
  signIn(): Promise<boolean>;
  /** Uses the session. @returns the status, or the code of what went wrong */
  use(): Promise<number | string>;
}

export interface DeviceOptions {
  mode: 'cookie' | 'bearer';
  person: ChaosPerson;
  name: string;
  origins: readonly string[];
  random: Random;
  ledger: Ledger;
}

/** Of the answers to refreshes, so that every client has to ask again now and then. */
const LOST = 0.05;

export function openDevice({ mode, person, name, origins, random, ledger }: DeviceOptions): Device {
  const { client, held, signOutBy } = openChaosClient({ mode, origins, random, lost: LOST });
  const device: Device = {
    client,
    signOutBy,
    standing: 'out',
    session() {
      const tokens = held();
      return tokens && { ...tokens, id: sessionOf(tokens.accessToken) };
    },
    async signIn() {
      try {
        await client.login(person);
        device.standing = 'in';
        ledger.count('sign-in 200');
        return true;
      } catch (error) {
        const problem = problemFrom(error);
        ledger.count(`sign-in ${problem.status === 0 ? 'no answer' : problem.status}`);
        if (!isPassing(problem)) ledger.violate(`${name} could not sign in: ${problem.code}`);
        return false;
      }
    },
    async use() {
      try {
        const response = await client.fetch('/api/auth/me');
        await response.body?.cancel();
        return response.status;
      } catch (error) {
        return problemFrom(error).code;
      }
    },
  };
  client.on('signed-out', ({ reason }) => {
    if (device.standing === 'in') ledger.violate(`${name} was signed out: ${reason}`);
    device.standing = 'out';
  });
  return device;
}

function sessionOf(accessToken: string): string {
  const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { sid: string }).sid;
}

/** Whether trying again may help: a person whose act was not answered does it again. */
export function mayHelp(problem: ClientProblem): boolean {
  return isPassing(problem) || problem.code === 'refresh-unsettled';
}
