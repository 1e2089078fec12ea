import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Failure } from '#runtime/failure.ts';

/** `unix:/path` or `tcp://host:port`. clamd has no authentication: prefer the socket. */
export type ClamdAddress = { path: string } | { host: string; port: number };

export const clamdSettings = {
  CLAMD_URL: z
    .string()
    .refine((value) => addressOf(value) !== undefined, 'must be unix:/path or tcp://host:port')
    .transform((value) => addressOf(value) as ClamdAddress)
    .optional(),
};

function addressOf(value: string): ClamdAddress | undefined {
  if (/^unix:\/[^\0]+$/.test(value)) return { path: value.slice('unix:'.length) };
  if (!URL.canParse(value)) return undefined;
  const { protocol, hostname, port } = new URL(value);
  if (protocol !== 'tcp:' || hostname === '' || port === '') return undefined;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

const CONNECT_LIMIT_MS = 2_000;
const BUSY_MS = 20;

/** @throws Failure `scanner-unavailable` if there is no connection within 2 s. */
export async function connectClamd(address: ClamdAddress): Promise<Socket> {
  const deadlineMs = performance.now() + CONNECT_LIMIT_MS;
  while (true) {
    try {
      return await connectOnce(address, deadlineMs - performance.now());
    } catch (error) {
      // A unix socket refuses at once while clamd's backlog is full.
      const isBusy = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (!isBusy || performance.now() > deadlineMs) {
        throw new Failure('scanner-unavailable', { detail: 'no connection', cause: error });
      }
      await sleep(BUSY_MS);
    }
  }
}

function connectOnce(address: ClamdAddress, limitMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Half-open: an answer may come after everything was said.
    const socket = connect({ ...address, allowHalfOpen: true });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error('no connection in time')), limitMs);
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

const MAX_ANSWER_BYTES = 4_096;

/**
 * Asks clamd one question of the kind that has a one-line answer, such as `VERSION`.
 * @throws Failure `scanner-unavailable` if there is none within `limitMs`.
 */
export async function askClamd(address: ClamdAddress, command: string, limitMs: number): Promise<string> {
  const socket = await connectClamd(address);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (failure?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      const answer = Buffer.concat(chunks).toString('latin1');
      if (failure === undefined && answer.endsWith('\0')) resolve(answer.slice(0, -1).trim());
      else reject(new Failure('scanner-unavailable', { detail: `no answer to ${command}`, cause: failure }));
    };
    const timer = setTimeout(() => settle('too late'), limitMs);
    socket.on('error', settle);
    socket.on('close', () => settle());
    socket.on('end', () => settle());
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) settle('too long');
      else if (chunk.includes(0)) settle();
    });
    socket.write(`z${command}\0`);
  });
}
