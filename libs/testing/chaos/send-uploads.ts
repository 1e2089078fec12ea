import { isPassing, problemFrom } from '../../client/problem.ts';
import { openChaosClient } from '#testing/chaos/chaos-client.ts';
import type { Ledger } from '#testing/chaos/ledger.ts';
import { openLoad } from '#testing/chaos/load.ts';
import type { ChaosPerson } from '#testing/chaos/people.ts';
import type { Random } from '#testing/chaos/random.ts';
import { fileOf, type FileKind, type UploadedFile } from '#testing/chaos/uploaded-file.ts';
import type { Client } from '../../client/create-client.ts';

/** One file, as its owner knows it. */
export interface SentUpload {
  kind: FileKind;
  key: string;
  owner: Owner;
  file: UploadedFile;
  /** Of the 202; undefined while there is none. */
  id: string | undefined;
  /** When its content was served for the first time, in ms since the epoch. */
  servedAtMs: number | undefined;
}

export interface Owner {
  person: ChaosPerson;
  client: Client;
}

/** Sends files at a rate that no answer slows down, and tries all the time to read every one of them. */
export interface UploadSenders {
  readonly sent: readonly SentUpload[];
  stop(): void;
  /** Resolves when each that was sent has its answer, or with how many have none after `limitMs`. */
  settle(limitMs: number): Promise<number>;
  close(): Promise<void>;
}

export interface UploadSendersOptions {
  seed: number;
  random: Random;
  origins: readonly string[];
  people: readonly ChaosPerson[];
  perSecond: number;
  ledger: Ledger;
}

const MAX_UNDER_WAY = 200;
const RETRY_MS = 1_000;
const READERS = 2;
const READ_PAUSE_MS = 30;
const SHARE = { infected: 0.25, unscannable: 0.15, copied: 0.1 } as const;
/** How far back the reader looks for what may not be decided yet. */
const NEWEST = 20;

export function openUploadSenders(options: UploadSendersOptions): UploadSenders {
  const { seed, random, origins, people, perSecond, ledger } = options;
  const load = openLoad();
  const sent: SentUpload[] = [];
  const owners = people.map((person): Owner => {
    const { client } = openChaosClient({ origins, random: random.fork(person.email) });
    client.on('signed-out', ({ reason }) => ledger.violate(`${person.email} was signed out: ${reason}`));
    return { person, client };
  });

  function next(): SentUpload {
    const kind = random.happens(SHARE.infected)
      ? 'infected'
      : random.happens(SHARE.unscannable)
        ? 'unscannable'
        : 'clean';
    const original =
      kind === 'clean' && random.happens(SHARE.copied) && sent.length > 0 ? random.pick(sent) : undefined;
    const key = `chaos.${seed}.${sent.length}`;
    const isCopy = original?.kind === 'clean';
    const upload: SentUpload = {
      kind,
      key,
      owner: isCopy ? original.owner : random.pick(owners),
      file: isCopy ? original.file : fileOf(kind, sent.length, key),
      id: undefined,
      servedAtMs: undefined,
    };
    sent.push(upload);
    return upload;
  }

  /** Sends until there is an answer that says yes or no; the key makes that one upload. */
  async function deliver(upload: SentUpload): Promise<void> {
    await load.insist(
      () => RETRY_MS,
      () => isAnswered(upload),
    );
  }

  async function isAnswered(upload: SentUpload): Promise<boolean> {
    const { owner, file, key } = upload;
    try {
      const blob = new Blob([Uint8Array.from(file.content)], { type: file.type });
      const given = { ticketId: 'ticket-1', name: file.name, idempotencyKey: key };
      ({ id: upload.id } = await owner.client.upload(blob, given));
      ledger.count('upload 202');
      return true;
    } catch (error) {
      const problem = problemFrom(error);
      ledger.count(`upload ${problem.status === 0 ? 'no answer' : problem.status}`);
      if (problem.code === 'signed-out') await signIn(owner);
      else if (!isPassing(problem) && problem.status !== 507 && problem.code !== 'idempotency-in-progress') {
        ledger.violate(`upload ${key} was answered ${problem.status} ${problem.code}`);
        return true;
      }
      return false;
    }
  }

  async function signIn({ person, client }: Owner): Promise<void> {
    try {
      await client.login(person);
    } catch (error) {
      const problem = problemFrom(error);
      if (!isPassing(problem)) ledger.violate(`${person.email} could not sign in: ${problem.code}`);
    }
  }

  function sendOne(): void {
    if (load.underWay >= MAX_UNDER_WAY) ledger.skipped += 1;
    else load.track(deliver(next()));
  }

  async function read(): Promise<void> {
    const upload = random.happens(0.5) ? sent.at(-1 - random.below(NEWEST)) : sent[random.below(sent.length)];
    if (upload?.id !== undefined) await tryToRead(upload);
  }

  async function tryToRead(upload: SentUpload): Promise<void> {
    const { kind, key, file, id } = upload;
    try {
      const response = await upload.owner.client.fetch(`/api/uploads/${id}/content`);
      const body = Buffer.from(await response.arrayBuffer());
      ledger.count(`content ${response.status}`);
      if (!response.ok) return;
      upload.servedAtMs ??= Date.now();
      if (kind !== 'clean') ledger.violate(`upload ${key} is ${kind} and was served`);
      else if (!body.equals(file.content)) ledger.violate(`upload ${key} was served with other bytes`);
    } catch (error) {
      ledger.count(`content ${problemFrom(error).code}`);
    }
  }

  load.track(Promise.all(owners.map(signIn)).then(() => load.arrive(perSecond, sendOne)));
  for (let reader = 0; reader < READERS; reader += 1) load.attend(() => READ_PAUSE_MS, read);

  return {
    sent,
    stop: () => load.stop(),
    async settle(limitMs) {
      await load.settle(limitMs);
      return sent.filter(({ id }) => id === undefined).length;
    },
    async close() {
      await load.close();
      for (const { client } of owners) client.close();
    },
  };
}
