import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const { PROFILE_DIR } = process.env;
const SAMPLE_MICROS = 250;

/**
 * Loaded before a program: the first SIGUSR2 begins a CPU profile of it, the second writes it to
 * `$PROFILE_DIR/<process id>.cpuprofile`. A profile of the load alone, without the start and the end of the process.
 */
if (isMainThread && PROFILE_DIR !== undefined) {
  const session = new Session();
  let isRecording = false;
  process.on('SIGUSR2', () => {
    isRecording = !isRecording;
    void (isRecording ? begin(session) : end(session, PROFILE_DIR));
  });
}

async function begin(session: Session): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS });
  await session.post('Profiler.start');
}

async function end(session: Session, directory: string): Promise<void> {
  const { profile } = await session.post('Profiler.stop');
  const file = join(directory, `${process.pid}.cpuprofile`);
  writeFileSync(`${file}.part`, JSON.stringify(profile));
  renameSync(`${file}.part`, file);
}
