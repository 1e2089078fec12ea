import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { findCommand } from './find-command.mjs';
import { SetupError } from './run-step.mjs';

/** What Debian's packages ask before they start a service (invoke-rc.d(8), deb-systemd-invoke(1)). */
const POLICY = '/usr/sbin/policy-rc.d';
const FORBIDDEN = 101;
const OURS = '#!/bin/sh\n# Made by portcullis while it installs packages; may be removed.\nexit 101\n';

/**
 * Runs `work`, which installs packages, so that none of their services starts now, and none of `services` with the machine.
 * @template T
 * @param {readonly string[]} services
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withoutServices(services, work) {
  if (!existsSync(POLICY) || readFileSync(POLICY, 'utf8') === OURS) {
    writeFileSync(POLICY, OURS, { mode: 0o755 });
  } else if (spawnSync(POLICY, ['portcullis', 'start'], { stdio: 'ignore', timeout: 10_000 }).status !== FORBIDDEN) {
    throw new SetupError(`${POLICY} of this machine lets packages start services: no package was installed`);
  }
  const removePolicy = () => {
    if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') === OURS) rmSync(POLICY);
  };
  process.once('exit', removePolicy);
  try {
    return await work();
  } finally {
    if (findCommand(['systemctl']) !== undefined && services.length > 0) {
      spawnSync('systemctl', ['disable', '--quiet', ...services], { stdio: 'ignore', timeout: 60_000 });
    }
    removePolicy();
    process.off('exit', removePolicy);
  }
}
