import { setTimeout as sleep } from 'node:timers/promises';
import { checkMemory, checkTrail, compareWithLedger, untilDrained, type Comparison } from '#testing/chaos/checks.ts';
import { compareSessions, type SessionComparison } from '#testing/chaos/check-sessions.ts';
import { compareUploads, type UploadComparison } from '#testing/chaos/check-uploads.ts';
import { faultsFor } from '#testing/chaos/faults.ts';
import { openLedger } from '#testing/chaos/ledger.ts';
import { openRandom } from '#testing/chaos/random.ts';
import { makePeople } from '#testing/chaos/people.ts';
import { watchRecovery, type Recovery } from '#testing/chaos/recovery.ts';
import { openUploadSenders } from '#testing/chaos/send-uploads.ts';
import { openSessionUsers } from '#testing/chaos/use-sessions.ts';
import { openWebhookSenders } from '#testing/chaos/send-webhooks.ts';
import { hasClamd } from '#testing/clamd.ts';
import { openChaosSystem, type Backend } from '#testing/chaos/system.ts';

export interface ChaosOrder {
  backend: Backend;
  seed: number;
  seconds: number;
  /** Webhooks a second. */
  rate: number;
  /** Files a second. */
  uploadRate: number;
  /** Who sign in and out. */
  people: number;
  /** Only this row of the table. */
  fault?: string | undefined;
  /** Where the small file systems are that F16 fills. */
  disks?: string | undefined;
  /** How long what lasts lasts. */
  faultSeconds: number;
  say: (line: string) => void;
}

export interface ChaosResult extends Comparison {
  backend: Backend;
  seed: number;
  seconds: number;
  rate: number;
  appendOnly: string;
  sent: number;
  copies: number;
  skipped: number;
  answers: Record<string, number>;
  slowest503Ms: number;
  ackP50Ms: number;
  ackP99Ms: number;
  drainedMs: number;
  uploads: Omit<UploadComparison, 'faults'>;
  sessions: Omit<SessionComparison, 'faults'>;
  /** Of processes, whose memory was watched for long enough. */
  lives: number;
  recoveries: Recovery[];
  violations: string[];
}

const POKE_MS = 5_000;
const WARM_UP_MS = 3_000;
const SETTLE_LIMIT_MS = 30_000;
const STUCK_MS = 180_000;
const SEAL_LIMIT_MS = 60_000;
const PAUSE_MS = [500, 3_000] as const;
const UPLOADERS = 4;
const SYNCED = ['everysec', 'always'] as const;

/** One run: load at a steady rate, blows that the seed chooses, and then the comparison of what was promised with what is there. */
export async function runChaos(order: ChaosOrder): Promise<ChaosResult> {
  const { backend, seed, seconds, rate, uploadRate, faultSeconds, disks, say } = order;
  const random = openRandom(seed);
  const chosen = faultsFor({ backend, seconds, hasScanner: hasClamd, hasDisks: disks !== undefined, id: order.fault });
  // Without a file no disk gets full.
  const appendOnly = random.fork('redis').pick(disks === undefined ? (['off', ...SYNCED] as const) : SYNCED);
  const ledger = openLedger();
  const stack = new AsyncDisposableStack();
  try {
    const system = stack.use(await openChaosSystem({ backend, appendOnly, disks }));
    const origins = system.ingresses.map(({ origin }) => origin);
    const shared = { seed, origins, ledger };
    const senders = openWebhookSenders({ ...shared, random: random.fork('webhooks'), perSecond: rate });
    stack.defer(() => senders.close());
    const uploaders = openUploadSenders({
      ...shared,
      random: random.fork('uploads'),
      people: await makePeople(system.pool, 'uploader', UPLOADERS),
      perSecond: hasClamd ? uploadRate : 0,
    });
    stack.defer(() => uploaders.close());
    const users = openSessionUsers({
      ...shared,
      random: random.fork('sessions'),
      people: await makePeople(system.pool, 'person', order.people),
    });
    stack.defer(() => users.close());
    if (!hasClamd) say('left out, because this machine has no clamd: uploads');
    const poking = setInterval(() => system.processes.forEach((each) => each.poke()), POKE_MS);
    stack.defer(() => clearInterval(poking));
    await sleep(WARM_UP_MS);

    const recoveries: Recovery[] = [];
    const blows = random.fork('faults');
    const until = performance.now() + seconds * 1_000;
    let left: typeof chosen = [];
    while (performance.now() < until) {
      // Each once before any of them comes again.
      if (left.length === 0) left = [...chosen];
      const [fault] = left.splice(blows.below(left.length), 1);
      if (fault === undefined) break;
      const watch = watchRecovery(system.pool, fault);
      const missed: string[] = [];
      const striking = {
        system,
        random: blows,
        senders,
        seconds: faultSeconds,
        violate: (text: string) => ledger.violate(text),
        miss: (text: string) => void missed.push(text),
        say,
        landed: () => watch.landed(),
      };
      const struckAt = performance.now();
      await fault.strike(striking);
      const struckMs = Math.round(performance.now() - struckAt);
      const recovery = { ...(await watch.recovery()), missed };
      recoveries.push(recovery);
      const { drainedMs, resumedMs } = recovery;
      say(`${fault.id} ${fault.title} (${struckMs} ms): drained ${inWords(drainedMs)}, resumed ${inWords(resumedMs)}`);
      await system.live();
      await sleep(blows.between(...PAUSE_MS));
    }

    senders.stop();
    uploaders.stop();
    users.stop();
    await system.live();
    const loads = Object.entries({ webhooks: senders, uploads: uploaders, 'signed-in devices': users });
    for (const [what, unanswered] of await Promise.all(
      loads.map(async ([name, load]) => [name, await load.settle(SETTLE_LIMIT_MS)] as const),
    )) {
      if (unanswered > 0) ledger.violate(`${unanswered} ${what} got no answer within ${SETTLE_LIMIT_MS} ms of calm`);
    }
    const drainedMs = await untilDrained(system.pool, STUCK_MS);
    await uploaders.close();
    await users.close();
    const comparison = await compareWithLedger(system.pool, ledger);
    const { faults: uploadFaults, ...uploads } = await compareUploads(system, uploaders.sent);
    const { faults: sessionFaults, ...sessions } = await compareSessions(system.pool, users);
    const trail = await checkTrail(system.pool, SEAL_LIMIT_MS);
    const memory = checkMemory(system.processes);
    const violations = [
      ...comparison.faults,
      ...uploadFaults,
      ...sessionFaults,
      ...ledger.violations,
      ...trail,
      ...memory.faults,
      ...system.processes.flatMap(({ complaints }) => complaints),
    ];
    const ackMs = ledger.ackMs.toSorted((a, b) => a - b);
    return {
      ...comparison,
      backend,
      seed,
      seconds,
      rate,
      appendOnly: backend === 'redis' ? appendOnly : 'none',
      sent: ledger.sent,
      copies: ledger.copies,
      skipped: ledger.skipped,
      answers: ledger.answers,
      slowest503Ms: Math.round(ledger.slowest503Ms),
      ackP50Ms: Math.round(ackMs[Math.floor(ackMs.length / 2)] ?? 0),
      ackP99Ms: Math.round(ackMs[Math.floor(ackMs.length * 0.99)] ?? 0),
      drainedMs: Math.round(drainedMs),
      uploads,
      sessions,
      lives: memory.lives,
      recoveries,
      violations,
    };
  } finally {
    await stack.disposeAsync();
  }
}

function inWords(ms: number | undefined): string {
  return ms === undefined ? 'never seen' : `after ${ms} ms`;
}
