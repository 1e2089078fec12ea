import type { Random } from '#testing/chaos/random.ts';
import type { WebhookSenders } from '#testing/chaos/send-webhooks.ts';
import type { Backend, ChaosSystem } from '#testing/chaos/system.ts';

export interface Struck {
  system: ChaosSystem;
  random: Random;
  senders: WebhookSenders;
  /** Seconds of what lasts: short in the short form. */
  seconds: number;
  violate: (text: string) => void;
  /** Says that something took longer than the fault allows. */
  miss: (text: string) => void;
  say: (line: string) => void;
  /** Says when the blow has landed, if that is later than when it was begun: recovery is counted from there. */
  landed: () => void;
}

export interface Fault {
  /** As in the table of docs/reliability.md. */
  id: string;
  title: string;
  /** Both, unless one is named. */
  backend?: Backend;
  /** What has to be there within so long after the blow: `drained` all that was open, `resumed` the first effect of what came after it. */
  mark?: { what: 'drained' | 'resumed'; ms: number };
  /** Takes longer than a short run has. */
  leastSeconds?: number;
  needsScanner?: boolean;
  /** Nothing else may strike meanwhile, so it comes only where it is asked for. */
  isAlone?: boolean;
  /** Small ones, that it can fill. */
  needsDisks?: boolean;
  /** Resolves when what was broken is whole again. */
  strike: (struck: Struck) => Promise<void>;
}
