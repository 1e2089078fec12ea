import type { Tone } from '../../parts/status-badge.tsx';

const REFUSALS: Record<string, string> = {
  'source-unknown': 'no such source',
  'method-unsupported': 'wrong method',
  'signature-missing': 'no signature',
  'signature-repeated': 'several signatures',
  'signature-malformed': 'malformed signature',
  'signature-unsupported': 'unknown kind of signature',
  'signature-excessive': 'too many signatures',
  'signature-mismatch': 'wrong signature',
  'timestamp-missing': 'no time',
  'timestamp-repeated': 'several times',
  'timestamp-malformed': 'malformed time',
  'timestamp-old': 'too old',
  'timestamp-ahead': 'from the future',
  'id-missing': 'no id',
  'id-repeated': 'several ids',
  'id-malformed': 'malformed id',
  'challenge-malformed': 'malformed challenge',
  'token-mismatch': 'wrong verify token',
  'body-empty': 'empty body',
  'body-invalid': 'unreadable body',
  'body-mismatch': 'another body than was signed',
};

const WHY: Record<string, string> = {
  'signature-mismatch':
    'The signature was made with another secret, or something on the way changed the body. Compare the secret with the one the sender uses.',
  'signature-missing': 'The request carries no signature. Either it is not from the sender, or signing is off there.',
  'timestamp-old': 'The request is older than is allowed: a replay, or a clock that is wrong.',
  'timestamp-ahead': 'The request claims to be from the future: a clock is wrong.',
  'source-unknown': 'No source of this name is set up, or it has no secret.',
  'token-mismatch': 'The verify token is not the one that is set up here.',
};

/** `refused:signature-mismatch` in plain words. */
export function verdictWords(verdict: string): string {
  const reason = reasonOf(verdict);
  if (reason === undefined) return verdict;
  return `refused: ${REFUSALS[reason] ?? reason}`;
}

/** What to do about a refusal; undefined where the verdict says it all. */
export function whyRefused(verdict: string): string | undefined {
  const reason = reasonOf(verdict);
  if (reason === undefined) return undefined;
  return WHY[reason] ?? 'The request does not have the form that this source asks for.';
}

function reasonOf(verdict: string): string | undefined {
  return verdict.startsWith('refused:') ? verdict.slice('refused:'.length) : undefined;
}

export function verdictTone(verdict: string): Tone {
  if (verdict === 'accepted') return 'good';
  return verdict.startsWith('refused') ? 'bad' : 'plain';
}

export function stateTone(state: string): Tone {
  if (state === 'open') return 'busy';
  return state === 'dead' ? 'bad' : 'plain';
}
