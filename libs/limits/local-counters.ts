/** What a key has used of its window, and how long that window lasts on. */
export interface Usage {
  used: number;
  remainingMs: number;
}

interface Counter {
  key: string;
  used: number;
  endsAtMs: number;
  /** Its place in the list. */
  index: number;
}

/** The counters of one name: a map to find them and a list to draw from. */
interface Group {
  byKey: Map<string, Counter>;
  list: Counter[];
}

export interface LocalCountersOptions {
  /** Of one name; past it the least used of some make room. */
  maxKeys?: number;
  /** Monotonic milliseconds. */
  now?: () => number;
}

const DEFAULT_MAX_KEYS = 10_000;
/** Of so many drawn by lot the least used goes. */
const SAMPLE = 8;

/**
 * Counters of fixed windows in this process, bounded in number: a flood of made-up keys pushes out its own, which are used
 * little, and not those that have run up a count among them.
 */
export class LocalCounters {
  readonly #groups = new Map<string, Group>();
  readonly #maxKeys: number;
  readonly #now: () => number;

  constructor({ maxKeys = DEFAULT_MAX_KEYS, now = () => performance.now() }: LocalCountersOptions = {}) {
    this.#maxKeys = maxKeys;
    this.#now = now;
  }

  get size(): number {
    let size = 0;
    for (const { list } of this.#groups.values()) size += list.length;
    return size;
  }

  /** Adds points; a window begins with its first point. */
  add(name: string, key: string, points: number, windowSeconds: number, now = this.#now()): Usage {
    const counter = this.#live(name, key, now);
    if (counter !== undefined) {
      counter.used += points;
      return { used: counter.used, remainingMs: counter.endsAtMs - now };
    }
    const remainingMs = windowSeconds * 1_000;
    this.#put(name, key, { used: points, remainingMs }, now);
    return { used: points, remainingMs };
  }

  /** Takes points back, if the window that they were taken in is still there. */
  remove(name: string, key: string, points: number): void {
    const counter = this.#live(name, key, this.#now());
    if (counter !== undefined) counter.used = Math.max(0, counter.used - points);
  }

  /** Sets a counter to what is known from elsewhere. */
  set(name: string, key: string, usage: Usage): void {
    this.#put(name, key, usage, this.#now());
  }

  get(name: string, key: string, now = this.#now()): Usage | undefined {
    const counter = this.#live(name, key, now);
    return counter === undefined ? undefined : { used: counter.used, remainingMs: counter.endsAtMs - now };
  }

  #live(name: string, key: string, now: number): Counter | undefined {
    const counter = this.#groups.get(name)?.byKey.get(key);
    return counter !== undefined && counter.endsAtMs > now ? counter : undefined;
  }

  #put(name: string, key: string, { used, remainingMs }: Usage, now: number): void {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { byKey: new Map(), list: [] };
      this.#groups.set(name, group);
    }
    const endsAtMs = now + remainingMs;
    const known = group.byKey.get(key);
    if (known !== undefined) {
      Object.assign(known, { used, endsAtMs });
      return;
    }
    if (group.list.length >= this.#maxKeys) makeRoom(group, now);
    const counter = { key, used, endsAtMs, index: group.list.length };
    group.byKey.set(key, counter);
    group.list.push(counter);
  }
}

function makeRoom(group: Group, now: number): void {
  let least: Counter | undefined;
  for (let draw = 0; draw < SAMPLE; draw += 1) {
    const drawn = group.list[Math.floor(Math.random() * group.list.length)] as Counter;
    if (least === undefined || drawn.endsAtMs <= now || drawn.used < least.used) least = drawn;
    if (least.endsAtMs <= now) break;
  }
  const last = group.list.pop() as Counter;
  if (least === undefined) return;
  group.byKey.delete(least.key);
  if (least === last) return;
  group.list[least.index] = last;
  last.index = least.index;
}
