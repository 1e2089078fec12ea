import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readManifest } from '#database/backup/manifest.ts';
import { valueOf, type Environment } from '#runtime/config.ts';
import { well, worthALook, wrong, type Finding } from './finding.ts';

const OLD_HOURS = 25;
const TOO_OLD_HOURS = 7 * 24;
const HOUR_MS = 3_600_000;

/** Looks at the newest whole backup in a directory of them. */
export async function examineBackups(env: Environment, given: string | undefined): Promise<Finding[]> {
  const directory = resolve(given ?? join(valueOf('DATA_DIR', env) ?? '.data', 'backups'));
  const fix = 'let a timer call npm run backup each night, onto another machine; --backups says where they are';
  const newest = await newestIn(directory);
  if (newest === undefined) return [worthALook(`there is no backup in ${directory}`, fix)];
  const hours = Math.floor((Date.now() - newest) / HOUR_MS);
  const age = hours < 2 * 24 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
  const text = `the newest backup in ${directory} is ${age} old`;
  if (hours >= TOO_OLD_HOURS) return [wrong(text, fix)];
  return hours >= OLD_HOURS ? [worthALook(text, fix)] : [well(text)];
}

async function newestIn(directory: string): Promise<number | undefined> {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return undefined;
  }
  const times = await Promise.all(
    names.map((name) =>
      readManifest(join(directory, name)).then(
        ({ madeAt }) => Date.parse(madeAt),
        () => undefined,
      ),
    ),
  );
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
