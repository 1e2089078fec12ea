import type { Tone } from '../../parts/status-badge.tsx';
import type { Severity } from './shapes.ts';

const WORDS: Record<string, string> = {
  'alert.cleared': 'An alert is over',
  'alert.raised': 'An alert was raised',
  'audit.pruned': 'Old events were dropped',
  'board.acted': 'Something was done on the board',
  'board.refused': 'Access to the board was refused',
  'csp.reported': 'A browser reported a page',
  'limit.hit': 'A limit was hit',
  'login.attacked': 'Sign-ins are under attack',
  'login.failed': 'A sign-in failed',
  'login.locked': 'Sign-ins of an account are locked',
  'login.sprayed': 'One network tries many accounts',
  'login.succeeded': 'Somebody signed in',
  'password.changed': 'A password was changed',
  'password.failed': 'A password was wrong',
  'receipt.erased': 'Receipts were erased',
  'receipt.refused': 'Webhooks were refused',
  'event.replayed': 'An event was replayed',
  'receipt.replayed': 'Receipts were replayed',
  'receipt.revealed': 'Personal data was looked at',
  'refresh.reused': 'A stolen refresh token was used',
  'reset.issued': 'A reset link was made',
  'scanner.failed': 'The scanner does not find what it must',
  'scanner.ready': 'The scanner is ready',
  'session.ended': 'A session ended',
  'session.foreign': "Somebody reached for another one's session",
  'signing-key.created': 'A signing key was made',
  'signing-key.retired': 'A signing key was retired',
  'step-up.failed': 'A password was wrong',
  'step-up.passed': 'A sign-in was renewed',
  'token.created': 'An API token was made',
  'token.ended': 'An API token was ended',
  'upload.deleted': 'A file was deleted',
  'upload.failed': 'A file could not be scanned',
  'upload.infected': 'An infected file was destroyed',
  'upload.refused': 'A file was refused',
  'upload.tampered': 'A stored file was changed',
  'user.changed': 'A user was changed',
  'user.created': 'A user was made',
  'user.disabled': 'A user was disabled',
  'user.enabled': 'A user was enabled',
};

export function typeWords(type: string): string {
  return WORDS[type] ?? type;
}

export function severityTone(severity: Severity): Tone {
  if (severity === 'critical') return 'bad';
  if (severity === 'warning') return 'odd';
  return severity === 'notice' ? 'busy' : 'plain';
}
