import type { Queryable } from '#database/pool.ts';
import { widerNetworkOf } from '#runtime/address.ts';
import { consumeDurable, type DurablePolicy } from '#limits/durable-counter.ts';
import type { FailureRatio } from '#limits/failure-ratio.ts';
import { limitFailure } from '#limits/limit-failure.ts';
import type { Decision, Limiter, Policy } from '#limits/limiter.ts';

export interface SignInTry {
  /** A keyed hash of the account's address. */
  account: string;
  /** A keyed hash of account and device, where the device has proven that this account signed in on it before. */
  knownDevice: string | undefined;
  addressPrefix: string;
}

export interface GrantedTry {
  /** Whether this try took the last point of its account, its device or its devices. */
  readonly isLast: boolean;
  /** It succeeded: gives back exactly what it took. */
  refund(client: Queryable): Promise<void>;
  /** Nobody looked at it: gives back the same, and counts it neither as a success nor as a failure. */
  withdraw(client: Queryable): Promise<void>;
}

export interface SignInAlarm {
  type: 'login.sprayed' | 'login.attacked';
  addressPrefix?: string;
  details: Record<string, number>;
}

export interface SignInLimitOptions {
  pool: Queryable;
  limiter: Limiter;
  ratio: FailureRatio;
  onAlarm: (alarm: SignInAlarm) => void;
}

const WINDOW_SECONDS = 900;

/** What all devices that an account does not know may get wrong together, and what one that it knows may. */
const STRANGERS: DurablePolicy = { name: 'sign-in', points: 5, windowSeconds: WINDOW_SECONDS };
const KNOWN_DEVICE: DurablePolicy = { name: 'sign-in-device', points: 5, windowSeconds: WINDOW_SECONDS };
/** What all devices that it knows may together: whoever once had the password may have made it know any number of them. */
const KNOWN_DEVICES: DurablePolicy = { name: 'sign-in-devices', points: 30, windowSeconds: WINDOW_SECONDS };

interface AddressPolicies {
  strangers: DurablePolicy;
  address: Policy;
  network: Policy;
  /** Different accounts that one address may get wrong. */
  accounts: Policy;
}

const usual: AddressPolicies = {
  strangers: STRANGERS,
  address: { name: 'sign-in-address', points: 50, windowSeconds: WINDOW_SECONDS, isStrict: true },
  network: { name: 'sign-in-network', points: 500, windowSeconds: WINDOW_SECONDS, isStrict: true },
  accounts: { name: 'sign-in-accounts', points: 20, windowSeconds: WINDOW_SECONDS, isStrict: true },
};

/** While passwords are tried from many places at once. */
const tight: AddressPolicies = {
  strangers: { ...STRANGERS, points: 2 },
  address: { ...usual.address, points: 10 },
  network: { ...usual.network, points: 100 },
  accounts: { ...usual.accounts, points: 5 },
};

/** Never refuses: it tells whether an address tries an account for the first time in the window. */
const PAIR: Policy = {
  name: 'sign-in-pair',
  points: Number.MAX_SAFE_INTEGER,
  windowSeconds: WINDOW_SECONDS,
  isStrict: true,
};

/**
 * Limits failed sign-ins by account, device, address, network and number of accounts. Each try takes its points before the
 * password is looked at, and a success gives back what it took and nothing else. Devices that the account knows have
 * counters of their own and no others, so that strangers can not lock the owner out.
 */
export function openSignInLimit({ pool, limiter, ratio, onAlarm }: SignInLimitOptions): {
  consume(attempt: SignInTry): Promise<GrantedTry>;
} {
  async function consumeByAddress(policies: AddressPolicies, { account, addressPrefix }: SignInTry): Promise<Taken> {
    const taken = openTaken(limiter);
    await taken.take(policies.address, addressPrefix);
    await taken.take(policies.network, widerNetworkOf(addressPrefix));
    const pair = `${addressPrefix} ${account}`;
    const tries = await taken.take(PAIR, pair);
    if (tries.used > 1) return taken;
    const { accounts } = policies;
    const decision = await limiter.consume(accounts, addressPrefix);
    if (decision.allowed) {
      taken.add(accounts, addressPrefix, decision);
      return taken;
    }
    // The next try of this account is a first one again.
    await limiter.refund(PAIR, pair, tries);
    const isFirstRefusal = decision.used === accounts.points + 1;
    if (isFirstRefusal) onAlarm({ type: 'login.sprayed', addressPrefix, details: { accounts: accounts.points } });
    throw limitFailure(accounts, decision.resetSeconds);
  }

  async function consumeAsKnown(account: string, device: string): Promise<GrantedTry> {
    const points = [
      await consumeDurable(pool, KNOWN_DEVICE, device),
      await consumeDurable(pool, KNOWN_DEVICES, account),
    ];
    const giveBack = async (client: Queryable): Promise<void> => {
      for (const point of points) await point.refund(client);
    };
    return { isLast: points.some(({ left }) => left <= 0), refund: giveBack, withdraw: giveBack };
  }

  return {
    async consume(attempt) {
      const { account, knownDevice } = attempt;
      if (knownDevice !== undefined) return consumeAsKnown(account, knownDevice);
      const policies = ratio.isHigh() ? tight : usual;
      const taken = await consumeByAddress(policies, attempt);
      const point = await consumeDurable(pool, policies.strangers, account);
      ratio.attempted();
      const giveBack = async (client: Queryable): Promise<void> => {
        await point.refund(client);
        await taken.refund();
      };
      return {
        isLast: point.left <= 0,
        refund(client) {
          ratio.succeeded();
          return giveBack(client);
        },
        withdraw(client) {
          ratio.withdrawn();
          return giveBack(client);
        },
      };
    },
  };
}

interface Taken {
  take(policy: Policy, key: string): Promise<Decision>;
  add(policy: Policy, key: string, decision: Decision): void;
  refund(): Promise<void>;
}

function openTaken(limiter: Limiter): Taken {
  const refunds: (() => Promise<void>)[] = [];
  const add = (policy: Policy, key: string, decision: Decision): void => {
    refunds.push(() => limiter.refund(policy, key, decision));
  };
  return {
    add,
    async take(policy, key) {
      const decision = await limiter.consume(policy, key);
      if (!decision.allowed) throw limitFailure(policy, decision.resetSeconds);
      add(policy, key, decision);
      return decision;
    },
    async refund() {
      await Promise.all(refunds.map((giveBack) => giveBack()));
    },
  };
}
