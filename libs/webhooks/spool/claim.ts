import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';
import { newId } from '#runtime/id.ts';

/** Listened on by whoever owns a directory: the kernel closes it with the process, however that ends. */
const ALIVE = 'alive';
/** What the address of a Unix socket may be long, on Linux and macOS. */
const MAX_SOCKET_PATH_BYTES = 103;
const PROBE_LIMIT_MS = 1_000;
const UNBORN = '.new-';
export const SEGMENT_SUFFIX = '.seg';

/** A directory of one process's own, among those of other processes. */
export interface ClaimedDirectory {
  readonly path: string;
  /** Makes it anew if another process has taken this one for gone: one of another machine does not see who listens here. */
  restore(): Promise<void>;
  /** Moves the segments of processes that are gone into this directory; @returns how many. */
  adopt(): Promise<number>;
  /** Gives it up; it is removed if it is empty. */
  close(): Promise<void>;
}

/** Makes a directory under `root` that others take for abandoned as soon as this process is gone. */
export async function claimDirectory(root: string): Promise<ClaimedDirectory> {
  const name = randomBytes(4).toString('hex');
  const path = join(root, name);
  let server = await occupy(root, name);
  let restoring: Promise<void> | undefined;

  async function makeAnew(): Promise<void> {
    if (await exists(path)) return;
    server.close();
    server = await occupy(root, name);
  }
  const restore = (): Promise<void> => {
    restoring ??= makeAnew().finally(() => {
      restoring = undefined;
    });
    return restoring;
  };

  return {
    path,
    restore,
    async adopt() {
      await restore();
      return adoptOrphans(root, name);
    },
    async close() {
      if (server.listening) {
        const closed = once(server, 'close');
        server.close();
        await closed;
      }
      await rm(join(path, ALIVE), { force: true });
      await rmdir(path).catch(ignoreCode('ENOENT', 'ENOTEMPTY', 'EEXIST'));
    },
  };
}

async function occupy(root: string, name: string): Promise<Server> {
  // It gets its real name only once it is listened on: before, it would look abandoned.
  const unborn = join(root, UNBORN + name);
  await rm(unborn, { recursive: true, force: true });
  await mkdir(unborn, { recursive: true, mode: 0o700 });
  const server = createServer((socket) => socket.destroy());
  server.listen(socketPath(join(unborn, ALIVE)));
  await once(server, 'listening');
  server.unref();
  await rename(unborn, join(root, name));
  return server;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

async function adoptOrphans(root: string, own: string): Promise<number> {
  let adopted = 0;
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === own) continue;
    const orphan = join(root, entry.name);
    if (await isOwned(join(orphan, ALIVE), entry.name.startsWith(UNBORN))) continue;
    adopted += await moveSegments(orphan, join(root, own));
  }
  return adopted;
}

/** Each file is moved by one adopter only, because the others don't find it any more. */
async function moveSegments(orphan: string, own: string): Promise<number> {
  let moved = 0;
  for (const file of await readdir(orphan).catch(() => [])) {
    if (!file.endsWith(SEGMENT_SUFFIX)) continue;
    const isMoved = await rename(join(orphan, file), join(own, file)).then(() => true, ignoreCode('ENOENT'));
    if (isMoved === true) moved += 1;
  }
  await rm(join(orphan, ALIVE), { force: true });
  await rmdir(orphan).catch(ignoreCode('ENOENT', 'ENOTEMPTY', 'EEXIST'));
  return moved;
}

async function isOwned(socket: string, isUnborn: boolean): Promise<boolean> {
  const probe = connect(socketPath(socket));
  try {
    await once(probe, 'connect', { signal: AbortSignal.timeout(PROBE_LIMIT_MS) });
    return true;
  } catch (error) {
    const code = codeOf(error);
    // Of a directory that is just being made the socket may not be there yet.
    return code !== 'ECONNREFUSED' && (isUnborn || code !== 'ENOENT');
  } finally {
    probe.destroy();
  }
}

/** @throws Error that names DATA_DIR where no form of the path is short enough for the address of a socket. */
function socketPath(path: string): string {
  const short = [path, relative('.', path)].find((form) => Buffer.byteLength(form) <= MAX_SOCKET_PATH_BYTES);
  if (short === undefined) throw new Error(`DATA_DIR: the path ${path} is too long for a socket; choose a shorter one`);
  return short;
}

function ignoreCode(...codes: string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? '')) throw error;
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A name that sorts by time, whichever process made it. */
export function segmentName(nowMs: number): string {
  return `${String(nowMs).padStart(15, '0')}-${newId()}${SEGMENT_SUFFIX}`;
}
