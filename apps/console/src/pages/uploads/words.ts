import type { UploadState } from '#client/wait-for-verdict.ts';
import type { Tone } from '../../parts/status-badge.tsx';

const STATUS: Record<UploadState['status'], { word: string; tone: Tone }> = {
  quarantined: { word: 'Waiting for its scan', tone: 'busy' },
  scanning: { word: 'Being scanned', tone: 'busy' },
  clean: { word: 'Clean', tone: 'good' },
  infected: { word: 'Infected', tone: 'bad' },
  rejected: { word: 'Refused', tone: 'bad' },
  unscannable: { word: 'Could not be scanned', tone: 'odd' },
  'scan-failed': { word: 'Scan failed', tone: 'odd' },
  expired: { word: 'Expired', tone: 'plain' },
};

const REASONS: Record<string, string> = {
  'active-content': 'It holds something that runs by itself when it is opened.',
  'archive-limits': 'The archive holds too much, or too many archives inside each other.',
  'archive-malformed': 'The archive is broken, or made to be read in two ways.',
  'authorisation-revoked': 'The ticket was not open to you any more.',
  'encrypted-archive': 'It is encrypted, so nobody can look inside. Send it without a password.',
  expired: 'It was kept for as long as it may be.',
  infected: 'A virus or something like it was found. The file was destroyed.',
  macro: 'It holds macros. Save it without them and send it again.',
  'pixel-limit': 'The image is too large once it is unpacked.',
  'scanner-unavailable': 'The virus scanner is away. The file waits; nothing is lost.',
  tampered: 'It was changed after it had been stored.',
  'type-mismatch': 'What is inside is not what its name says.',
  'type-not-allowed': 'Files of this type are not taken.',
};

export function statusWords({ status }: Pick<UploadState, 'status'>): { word: string; tone: Tone } {
  return STATUS[status] ?? { word: status, tone: 'plain' };
}

/** Why, in words for whoever sent the file; undefined where there is nothing to explain. */
export function reasonWords({ status, reason, signatures, warnings }: UploadState): string | undefined {
  if (reason !== null) return REASONS[reason] ?? reason;
  if (status !== 'clean') return undefined;
  if (warnings.includes('csv-formula')) return 'It holds formulas: do not open it in a spreadsheet without looking.';
  return signatures === 'test-only' ? 'Checked with test signatures only, which find no real viruses.' : undefined;
}
