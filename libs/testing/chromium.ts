import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { BROWSERS } from '#testing/browser.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A headless Chromium that Playwright drives; skip the test if !hasBrowser(). Pages that are left come back as they were. */
export async function openChromium(): Promise<Browser> {
  const executablePath = BROWSERS.find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error('no Chromium on this machine: skip the test if !hasBrowser()');
  return chromium.launch({ executablePath, args: FLAGS, ignoreDefaultArgs: ['--disable-back-forward-cache'] });
}
