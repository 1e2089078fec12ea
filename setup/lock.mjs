import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';

const POLL_MS = 100;
const TAKEOVER_STALE_MS = 10_000;

/**
 * Runs `work` while no other process on this machine does. A lock whose holder died is taken over.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {(holder: number) => void} onWait
 * @returns {Promise<T>}
 */
export async function withLock(path, work, onWait) {
  let told = false;
  for (;;) {
    const holder = takeLock(path);
    if (holder === undefined) break;
    if (!told) onWait(holder);
    told = true;
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * Takes the lock, to be released by removing the file, or says which process has it.
 * @param {string} path
 * @returns {number | undefined} the holder's id
 */
export function takeLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    if (take(path)) return undefined;
    const holder = holderOf(path);
    if (holder !== undefined && isHolder(holder)) return holder.pid;
    removeStale(path);
  }
}

/** A link appears at once and with its content, so no other process ever sees half a lock. */
function take(path) {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid) }));
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function holderOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Ids are used again, so the holder's start counts too. */
function isHolder({ pid, startedAt }) {
  return startedAt !== undefined && startOf(pid) === startedAt;
}

/** When a process started, in whatever the system counts; undefined if there is none. */
function startOf(pid) {
  try {
    if (process.platform === 'linux') {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot} ${
        readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')[19]
      }`;
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Only one process removes a stale lock, so that none removes the fresh lock of another that was quicker. */
function removeStale(path) {
  const takeover = `${path}.takeover`;
  try {
    mkdirSync(takeover);
  } catch {
    removeIfOld(takeover);
    return;
  }
  try {
    const holder = holderOf(path);
    if (holder === undefined || !isHolder(holder)) rmSync(path, { force: true });
  } finally {
    rmSync(takeover, { recursive: true, force: true });
  }
}

function removeIfOld(takeover) {
  try {
    if (Date.now() - statSync(takeover).mtimeMs > TAKEOVER_STALE_MS) rmSync(takeover, { recursive: true, force: true });
  } catch {
    // Its maker has removed it meanwhile.
  }
}
